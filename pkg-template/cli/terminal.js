// What is printed, and how.
import process from "node:process";

/** Ends the command with one sentence for people. */
export class Failure extends Error {}

/** Functions that colour a text for a stream: on a terminal, and unless NO_COLOR says otherwise. */
export function paint(stream) {
  const isColoured = stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  const by = (start, end) => (text) => (isColoured ? `\x1b[${start}m${text}\x1b[${end}m` : text);
  return { bold: by(1, 22), dim: by(2, 22), red: by(31, 39), green: by(32, 39), yellow: by(33, 39), cyan: by(36, 39) };
}

/** Prints a line. */
export function say(line = "") {
  process.stdout.write(`${line}\n`);
}
