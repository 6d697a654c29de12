// The example with Vue and vue-router, which writes addresses into the state of the history.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";

import { run } from "../support/consumer.mjs";
import { assertWorks } from "../support/example.mjs";
import { built, example } from "../support/project.mjs";

let folder;
before(async () => {
  folder = await example("vue");
});

test("vite build, and what it builds", async (t) => {
  await built(folder, "vite", ["build"]);
  await assertWorks(t, folder, "preview");
});

test("npm run dev", (t) => assertWorks(t, folder, "dev"));

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

test("a component that is gone hears of nothing, and one that comes later is at what is known at once", async () => {
  const script = `
    import { createRenderer, h, nextTick, ref } from "vue";
    import { smartcarConnect, useSmartcarConnect } from "smartcar-connect/vue";
    globalThis.window = new EventTarget();
    globalThis.document = Object.assign(new EventTarget(), { hidden: false });
    let asked = 0;
    const connect = {
      hasCallback: () => false,
      unfinishedAttempt: () => null,
      connections: async () => ((asked += 1), [{ id: "one" }]),
    };
    const { createApp } = createRenderer({
      createElement: (type) => ({ type }),
      createText: (text) => ({ text }),
      createComment: () => ({}),
      insert: () => {},
      remove: () => {},
      setElementText: (node, text) => (node.text = text, said.push(text)),
      parentNode: () => root,
      nextSibling: () => null,
      patchProp: () => {},
    });
    const said = [];
    const root = {};
    const isShown = ref(true);
    const Cars = { setup: () => { const { connections } = useSmartcarConnect(); return () => h("p", String(connections.value?.length)); } };
    createApp({ render: () => (isShown.value ? h(Cars) : null) }).use(smartcarConnect, { connect }).mount(root);
    const settled = () => new Promise((resolve) => setTimeout(resolve));
    const finishedElsewhere = () => window.dispatchEvent(Object.assign(new Event("storage"), { key: "smartcar-connect:attempt:a", newValue: '{"over":true}' }));
    await settled();
    console.log(asked, said.join(" "));
    isShown.value = false;
    await settled();
    finishedElsewhere();
    await settled();
    console.log(asked);
    isShown.value = true;
    await nextTick();
    console.log(said.at(-1));
    finishedElsewhere();
    await settled();
    console.log(asked);`;
  await writeFile(join(folder, "gone.mjs"), script);
  const { stdout } = await run(folder, process.execPath, ["gone.mjs"]);
  assert.equal(stdout, "1 undefined 1\n1\n1\n2\n");
});
