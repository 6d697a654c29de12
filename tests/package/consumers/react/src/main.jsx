// StrictMode mounts every component twice in development.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter } from "react-router";
import { RouterProvider } from "react-router/dom";

import { App } from "./App.jsx";
import { Cars } from "./Cars.jsx";

const children = [
  { path: "cars", element: <Cars /> },
  { path: "settings", element: <h1>Settings</h1> },
];
const router = createBrowserRouter([{ path: "/", element: <App />, children }]);
createRoot(document.getElementById("app")).render(
  <StrictMode>
    <RouterProvider router={router} />
  </StrictMode>,
);
