// What is made to happen to a simulated car. Only where Smartcar is the simulator on this machine: it has an address for that.

/** What can happen, as a request to the simulator about a vehicle. */
const EVENTS = {
  "log-in": ["POST", { needsReauthentication: true }],
  disconnect: ["DELETE", undefined],
};

/** `POST /demo/simulate`. */
export async function simulate({ request, env }) {
  const { what, vehicle } = await request.json().catch(() => ({}));
  const simulator = URL.parse(env.SMARTCAR_CONNECT_ORIGIN ?? "");
  const isSimulated = simulator && ["localhost", "127.0.0.1", "[::1]"].includes(simulator.hostname);
  if (!isSimulated || !Object.hasOwn(EVENTS, what) || typeof vehicle !== "string") return new Response(null, { status: 404 });
  const [method, json] = EVENTS[what];
  const address = new URL(`/_control/vehicles/${encodeURIComponent(vehicle)}`, simulator);
  const answer = await fetch(address, { method, body: json && JSON.stringify(json) });
  return Response.json({}, { status: answer.ok ? 200 : 502 });
}
