// In Vite: one copy of the module in a build, the development server, and what is rendered on a server.
import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { build, createServer } from "vite";

import { consumer, run } from "./support/consumer.mjs";
import { resultOf, serve } from "./support/pages.mjs";

const files = (entry, source = "") => ({
  "index.html": '<!doctype html><title>consumer</title><script type="module" src="./main.js"></script>',
  "main.js": `
    import { createState, init } from "${entry}";
    ${source && `import source from "${source}";`}
    await init(${source && "source"});
    globalThis.result = createState();`,
});
const quiet = { configFile: false, logLevel: "error" };

for (const [entry, source, copies] of [
  ["smartcar-connect", "", 1],
  ["smartcar-connect", "smartcar-connect/connect.wasm?url", 1],
  ["smartcar-connect/inline", "", 0],
]) {
  test(`a build with ${entry} ${source} has ${copies} .wasm in it, and runs`, async (t) => {
    const { folder } = await consumer(t, files(entry, source));
    await build({ ...quiet, root: folder });
    const built = await readdir(join(folder, "dist"), { recursive: true });
    assert.equal(built.filter((name) => name.endsWith(".wasm")).length, copies, built.join("\n"));
    const server = await serve(t, join(folder, "dist"));
    assert.match(await resultOf(t, `${server.origin}/`), /^smartcar-connect\.[\w-]{43}$/);
  });
}

// The setting is what people copy from packages that need it: nothing may depend on it.
for (const [entry, optimizeDeps] of [
  ["smartcar-connect", {}],
  ["smartcar-connect", { exclude: ["smartcar-connect"] }],
  ["smartcar-connect/inline", {}],
]) {
  test(`the development server serves ${entry} with ${JSON.stringify(optimizeDeps)}`, async (t) => {
    const { folder } = await consumer(t, files(entry));
    const server = await createServer({ ...quiet, root: folder, optimizeDeps, server: { port: 0, hmr: false } });
    t.after(() => server.close());
    await server.listen();
    const { port } = server.httpServer.address();
    assert.match(await resultOf(t, `http://localhost:${port}/`), /^smartcar-connect\.[\w-]{43}$/);
  });
}

for (const [noExternal, what] of [[true, "bundled"], [undefined, "left in node_modules"]]) {
  test(`on a server, with the package ${what}, it works in Node`, async (t) => {
    const { folder } = await consumer(t, {
      "server.js": `
        import { createState, hasCallback } from "smartcar-connect";
        console.log(JSON.stringify([createState(), hasCallback("/cars?code=1&state=smartcar-connect.s")]));`,
    });
    await build({ ...quiet, root: folder, ssr: { noExternal }, build: { ssr: "server.js" } });
    if (noExternal) await rm(join(folder, "node_modules"), { recursive: true });
    const { stdout } = await run(folder, "node", ["dist/server.js"]);
    const [state, isCallback] = JSON.parse(stdout);
    assert.match(state, /^smartcar-connect\.[\w-]{43}$/);
    assert.equal(isCallback, true);
  });
}

test("the development server renders on the server, with the package bundled", async (t) => {
  const { folder } = await consumer(t, {
    "server.js": 'import { createState } from "smartcar-connect"; export const render = () => createState();',
  });
  const options = { ...quiet, root: folder, appType: "custom", ssr: { noExternal: true } };
  const server = await createServer({ ...options, server: { middlewareMode: true, hmr: false, ws: false } });
  t.after(() => server.close());
  const { render } = await server.ssrLoadModule("/server.js");
  assert.match(render(), /^smartcar-connect\.[\w-]{43}$/);
});
