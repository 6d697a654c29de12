// What the back end answers where something goes wrong: `{ error }`, in words for whoever is in front of the page. What else there is to
// know stands in the log.

/** Something that whoever runs the app has to mend, and that may be said to everybody. */
export class Failure extends Error {}

/** For what no route has answered. */
export function nothingHere(_request, response) {
  response.status(404).json({ error: "There is nothing at this address." });
}

/** Express takes it for what it is by its four parameters. Its own would show the stack, unless NODE_ENV is "production". */
export function answerError(error, _request, response, next) {
  const isTheirs = error.status >= 400 && error.status < 500;
  if (!isTheirs) console.error(error);
  // Too late for words: Express ends the connection.
  if (response.headersSent) return next(error);
  if (isTheirs) response.status(error.status).json({ error: "The app does not understand this request." });
  else response.status(500).json({ error: error instanceof Failure ? error.message : "Something went wrong in the app. Try again in a moment." });
}
