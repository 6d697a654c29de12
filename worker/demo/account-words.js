// What the page says of accounts, as words.js does of the rest.

/** Why to sign in, while `view` is shown. */
export function signInWords(view) {
  return view === "cars"
    ? "These cars are known in this browser only. Sign in, and they come along: then they are there in every browser."
    : "Then your cars are there in every browser. This demo asks for no password.";
}

/** The words for a user who has signed in, and whose cars have come along if there were any. */
export function signedInWords(name, cameAlong) {
  return {
    code: "signed_in",
    tone: "good",
    title: `Hello, ${name}`,
    text: cameAlong
      ? "The cars that you have connected in this browser are yours now, and there in every browser where you sign in."
      : "The cars that you connect are there in every browser where you sign in.",
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
