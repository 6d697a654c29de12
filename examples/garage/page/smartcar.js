// The way to the Worker: where it is, and who calls. Made once.
import { createConnect } from "smartcar-connect";

import { getToken } from "./session.js";

/** In production the Worker is behind a route of this origin; in development Vite's server leads there. */
export const smartcar = createConnect({ edge: "/smartcar", getToken });

/** What owners are asked for. Connect shows it to them, and nothing else can be read. */
export const SCOPE = ["read_vehicle_info", "read_odometer", "read_battery"];
