import { createState, hasCallback } from "smartcar-connect";

export const load = () => ({ state: createState(), isCallback: hasCallback("/?code=1&state=smartcar-connect.s") });
