// Asking a person at a terminal.
import { createInterface } from "node:readline/promises";
import process from "node:process";
import { Writable } from "node:stream";

import { Failure, paint } from "./terminal.js";

/** Asks on the terminal until `close`. */
export class Questions {
  #isHidden = false;
  #lines;

  constructor() {
    // What is typed is shown by readline: a secret by nobody.
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        if (!this.#isHidden) process.stdout.write(chunk);
        done();
      },
    });
    this.#lines = createInterface({ input: process.stdin, output, terminal: true });
    // Ctrl-C and Ctrl-D.
    this.#lines.once("close", () => {
      process.stdout.write("\n");
      process.exit(130);
    });
  }

  /** Asks until the answer is good; an empty one is `usual`. `problem` says what is wrong with one, in a sentence. */
  async ask(question, { usual = "", problem = (_answer) => undefined, isSecret = false } = {}) {
    const { bold, dim, red } = paint(process.stdout);
    for (;;) {
      const hint = usual === "" ? "" : dim(` (${usual})`);
      const given = this.#lines.question(`  ${bold(question)}${hint} `);
      this.#isHidden = isSecret;
      const answer = (await given).trim() || usual;
      this.#isHidden = false;
      if (isSecret) process.stdout.write("\n");
      const wrong = problem(answer);
      if (!wrong) return answer;
      process.stdout.write(`  ${red("✗")} ${wrong}\n`);
    }
  }

  /** Asks for a yes or no; Enter is no. */
  async allows(question) {
    const answer = await this.ask(`${question} [y/N]`);
    return /^y(es)?$/i.test(answer);
  }

  close() {
    this.#lines.removeAllListeners("close");
    this.#lines.close();
  }
}

/** Where there is nobody to ask, everything has to be said by options. */
export function openQuestions() {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new Failure("this is no terminal to ask at: add `--yes`, and say by options what you know");
  }
  return new Questions();
}
