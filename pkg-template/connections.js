// What the owner has connected, and its end: loaded when one of these is first called. None of them needs the module.
import { baseOf, call, callerOf, checkedId, checkedOptions } from "./client.js";

export const connections = (options) => list(options, "connections", "ConnectionList");
export const vehicles = (options) => list(options, "vehicles", "VehicleList");

async function list(given, name, answer) {
  const options = checkedOptions(given, name);
  return (await call(callerOf(options), baseOf(options.edge), "GET", `/${name}`, undefined, answer))[name];
}

export async function disconnect(id, given) {
  const options = checkedOptions(given, "disconnect");
  await end(options, `/connections/${checkedId(id)}`);
}

export const disconnectAll = async (given) => end(checkedOptions(given, "disconnectAll"), "/connections");

const end = (options, path) => call(callerOf(options), baseOf(options.edge), "DELETE", path);
