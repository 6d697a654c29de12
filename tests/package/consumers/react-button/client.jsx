import { createRoot, hydrateRoot } from "react-dom/client";

import { App, asGrace, calls, told } from "./app.jsx";

Object.assign(globalThis, { calls, told, asGrace });
const app = document.getElementById("app");
if (app.hasChildNodes()) hydrateRoot(app, <App />);
else createRoot(app).render(<App />);
