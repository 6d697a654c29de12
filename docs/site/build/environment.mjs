// Imported before anything else: Vue looks at it when it is loaded, and warns of VitePress's own code where it is not "production".
import process from "node:process";

export const isDev = process.argv[2] === "dev";
process.env.NODE_ENV ??= isDev ? "development" : "production";
