import { sveltekit } from "@sveltejs/kit/vite";

// The Worker's routes are passed on, so that it and the page are on one origin, as they are when they are deployed.
const worker = process.env.WORKER ?? "http://localhost:8787";

export default {
  plugins: [sveltekit()],
  server: { port: 5173, strictPort: true, proxy: { "/smartcar/": worker } },
};
