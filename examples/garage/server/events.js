// What Smartcar's webhooks say, handed on by the Worker: it has verified Smartcar's signature, and tells whose car it is. It signs with a
// secret of its own (https://www.standardwebhooks.com).
import { Router, text } from "express";
import { Webhook } from "standardwebhooks";

import { noteWanted, noteWell } from "./notes.js";
import { WEBHOOK_SECRET } from "./settings.js";
import { once } from "./store.js";

const webhook = new Webhook(WEBHOOK_SECRET);

// The body as it came: the signature is of its bytes.
export const eventRoutes = Router().post("/events", text({ type: () => true, limit: "100kb" }), (request, response) => {
  let message;
  try {
    message = webhook.verify(request.body, request.headers);
  } catch {
    return response.status(401).end();
  }
  // The same message may come twice. What takes long (e-mails, say) would go into a queue here: the Worker waits 15 seconds.
  once(request.get("webhook-id"), () => takeNoteOf(message.data));
  response.status(204).end();
});

/** What an event means for the owners of the car; most mean nothing to them. */
function takeNoteOf({ principals, event }) {
  const { vehicle, errors = [] } = event.data ?? {};
  if (event.eventType !== "VEHICLE_ERROR" || !vehicle || errors.length === 0) return;
  const needsOwner = errors.some(({ state, resolution }) => state === "ERROR" && resolution?.type === "REAUTHENTICATE");
  const isOver = errors.every(({ state }) => state === "RESOLVED");
  for (const user of principals.filter((principal) => principal.startsWith("user:")).map((principal) => principal.slice(5))) {
    if (needsOwner) noteWanted(user, vehicle, "reauthentication_required");
    else if (isOver) noteWell(user, vehicle);
  }
}
