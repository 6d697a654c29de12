// The store that a provider gives to what is below it.
import { createContext } from "react";

export const Context = /* @__PURE__ */ createContext(null);
