// What the owner has connected, and its end: loaded when one of these is first called. None of them needs the module.
import { baseOf, call, callerOf, checkedOptions, describe } from "./client.js";
import { refused } from "./errors.js";

export const connections = (options) => list(options, "connections", "ConnectionList");
export const vehicles = (options) => list(options, "vehicles", "VehicleList");

async function list(given, name, answer) {
  const options = checkedOptions(given, name);
  return (await call(callerOf(options), baseOf(options.edge), "GET", `/${name}`, undefined, answer))[name];
}

export async function disconnect(id, given) {
  const options = checkedOptions(given, "disconnect");
  // 22 characters of base64url say 16 bytes only if no bit is left over.
  if (typeof id !== "string" || !/^[\w-]{21}[AQgw]$/.test(id)) {
    const wanted = "a connection's `id` as `connections` gives it, 22 characters of base64url";
    throw refused("id", `\`id\` must be ${wanted}, not ${describe(id)}`);
  }
  await end(options, `/connections/${id}`);
}

export const disconnectAll = async (given) => end(checkedOptions(given, "disconnectAll"), "/connections");

const end = (options, path) => call(callerOf(options), baseOf(options.edge), "DELETE", path);
