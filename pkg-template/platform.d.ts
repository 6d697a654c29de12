// What the platform declares, where it does.

/** The objects of a class that every platform has, but not every project's libraries: a back end may do without the DOM's. */
export type Platform<Name extends string> = typeof globalThis extends { [Class in Name]: { prototype: infer Instance } }
  ? Instance
  : never;

/** An `AbortSignal`, where there is one. */
export type Signal = Platform<"AbortSignal">;
