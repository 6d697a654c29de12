// The example with Vue and vue-router, which writes addresses into the state of the history.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";

import { run } from "../support/consumer.mjs";
import { assertComesBack, assertConnects, assertMoves, backend } from "../support/example.mjs";
import { built, example, served } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await example("vue");
});

test("vite build, and what it builds", async (t) => {
  await built(folder, "vite", ["build"]);
  const there = await backend(t);
  await served(t, folder, "vite", (port) => ["preview", "--port", port], there);
  const { page, state } = await assertConnects(t, there);
  await assertMoves(page, there, state);
  await assertComesBack(page, there);
});

test("npm run dev", async (t) => {
  const there = await backend(t);
  await served(t, folder, "vite", (port) => ["dev", "--port", port], there);
  const { page, state } = await assertConnects(t, there);
  await assertMoves(page, there, state);
});

test("on a server it renders what is so while nothing is known", async () => {
  const server = `
    import { createSSRApp, h } from "vue";
    import { renderToString } from "vue/server-renderer";
    import { smartcarConnect, useSmartcarConnect } from "smartcar-connect/vue";
    const Cars = {
      setup() {
        const { connections, busy } = useSmartcarConnect();
        return () => h("p", JSON.stringify([connections.value, busy.value]));
      },
    };
    console.log(await renderToString(createSSRApp(Cars).use(smartcarConnect)));
    await renderToString(createSSRApp(Cars)).catch(({ message }) => console.log(message));`;
  await writeFile(join(folder, "server.mjs"), server);
  const { stdout } = await run(folder, process.execPath, ["server.mjs"]);
  assert.match(stdout, /^<p>\[null,null\]<\/p>\n.*needs the plugin/);
});
