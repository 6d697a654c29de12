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

/** An argument or option called `field` is refused. */
export const refused = (field, message) => Object.assign(new ConnectError("invalid_option", message), { field });

/** Refuses to run `name` where there is no page. */
export function needPage(name) {
  if (typeof window !== "object") {
    throw new ConnectError("not_in_browser", `\`${name}\` works in a page in a browser only; call it there`);
  }
}

/** Whether it is an object of options. */
export const isOptions = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// From a literal: minifiers rename classes.
Object.defineProperty(ConnectError.prototype, "name", { value: "ConnectError", configurable: true, writable: true });
