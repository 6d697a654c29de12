/**
 * What every function of this package throws. `code` is stable and meant for programs, `message` is for people.
 * Two copies of the package have two classes: where that can happen, compare `code` and do not use `instanceof`.
 */
export class ConnectError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}

// From a literal: minifiers rename classes.
Object.defineProperty(ConnectError.prototype, "name", { value: "ConnectError", configurable: true, writable: true });
