// The functions of the package, the same behind every entry.
import * as glue from "./connect.js";
import { guarded, loaded } from "./loader.js";

export { ConnectError } from "./errors.js";

export const start = (options) => loaded(() => glue.start(options));
export const finish = (url, options) => loaded(() => glue.finish(url, options));
export const connections = (options) => loaded(() => glue.connections(options));
export const vehicles = (options) => loaded(() => glue.vehicles(options));
export const disconnect = (id, options) => loaded(() => glue.disconnect(id, options));
export const disconnectAll = (options) => loaded(() => glue.disconnectAll(options));

export const hasCallback = (url) => guarded(() => glue.hasCallback(url));
export const authorizeUrl = (options) => guarded(() => glue.authorizeUrl(options));
export const reauthenticateUrl = (options) => guarded(() => glue.reauthenticateUrl(options));
export const createState = () => guarded(() => glue.createState());
export const stateFingerprint = (state) => guarded(() => glue.stateFingerprint(state));
export const checkCallback = (url, expected) => guarded(() => glue.checkCallback(url, expected));
