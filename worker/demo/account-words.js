// What the page says of accounts, as words.js does of the rest.

/** Why to sign in, while `view` is shown. */
export function signInWords(view) {
  return view === "cars"
    ? "These cars are known in this browser only. Sign in, and the cars that you connect then are there in every browser."
    : "Then your cars are there in every browser. This demo asks for no password.";
}

/** What is asked before signing in where cars are connected without an account: they stay with nobody. */
export function leaveBehindWords(name) {
  return {
    title: `Sign in as ${name}?`,
    text: "The cars on this page don't come along, and this browser forgets them. To end their access too, disconnect them first.",
    action: "Sign in",
    progress: "Signing in…",
  };
}

/** The words for a user who has signed in. */
export function signedInWords(name) {
  return {
    code: "signed_in",
    tone: "good",
    title: `Hello, ${name}`,
    text: "The cars that you connect are there in every browser where you sign in.",
    facts: [],
  };
}

/** The words for one who has signed out. */
export function signedOutWords(name) {
  return {
    code: "signed_out",
    tone: "good",
    title: `Goodbye, ${name}`,
    text: "This browser shows nothing of your account any more. Your cars stay connected for the next time you sign in.",
    facts: [],
  };
}
