// StrictMode mounts every component twice in development; what comes back from Connect is finished once all the same.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter } from "react-router";
import { RouterProvider } from "react-router/dom";
import { SmartcarConnectProvider } from "smartcar-connect/react";

import { App } from "./App.jsx";
import { Cars } from "./Cars.jsx";

const children = [
  { index: true, element: <Cars /> },
  { path: "settings", element: <h1>Settings</h1> },
];
const router = createBrowserRouter([{ path: "/", element: <App />, children }]);

createRoot(document.getElementById("app")).render(
  <StrictMode>
    <SmartcarConnectProvider vehicles>
      <RouterProvider router={router} />
    </SmartcarConnectProvider>
  </StrictMode>,
);
