// In Chromium from a plain <script type="module">, under the content security policies of real pages.
import assert from "node:assert/strict";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { consumer } from "./support/consumer.mjs";
import { resultOf, serve } from "./support/pages.mjs";

const PACKAGE = "/node_modules/smartcar-connect";
const PAGE = `<!doctype html><title>consumer</title><script type="module" src="/page.js"></script>`;
const page = (entry, body) => `
  import * as connect from "${PACKAGE}/${entry}";
  const attempt = async (call) => {
    try { return await call(); } catch (error) { return \`\${error.name} \${error.code}\`; }
  };
  globalThis.result = await (async () => { ${body} })();`;
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";
const TOO_STRICT = "default-src 'none'; script-src 'self'; connect-src 'self'";

async function open(t, script, headers = {}) {
  const { folder } = await consumer(t, { "index.html": PAGE, "page.js": script });
  const server = await serve(t, folder, headers);
  return { server, result: await resultOf(t, `${server.origin}/`) };
}

for (const entry of ["index.js", "inline.js"]) {
  test(`${entry} works under a strict policy with 'wasm-unsafe-eval'`, async (t) => {
    const script = page(entry, "await connect.init(); return connect.createState();");
    const { server, result } = await open(t, script, { "content-security-policy": POLICY });
    assert.match(result, /^smartcar-connect\.[\w-]{43}$/);
    const fetched = server.served.filter((path) => path.endsWith(".wasm"));
    assert.equal(fetched.length, entry === "index.js" ? 1 : 0);
  });

  test(`${entry} says what to add to a policy that forbids WebAssembly`, async (t) => {
    const script = page(entry, "return connect.init().catch(({ code, message }) => `${code}: ${message}`);");
    const { result } = await open(t, script, { "content-security-policy": TOO_STRICT });
    assert.match(result, /^wasm_blocked: .*'wasm-unsafe-eval'/);
  });
}

test("the package comes from another origin, as from a CDN, with all that it loads later, under a policy that names it", async (t) => {
  const { folder } = await consumer(t, {});
  const cdn = await serve(t, folder, { "access-control-allow-origin": "*" });
  const script = page("index.js", "const told = await attempt(() => connect.popup()); await connect.init(); return [told, connect.createState()];");
  const own = await consumer(t, { "index.html": PAGE, "page.js": script.replace(PACKAGE, cdn.origin + PACKAGE) });
  const policy = `default-src 'none'; script-src 'self' ${cdn.origin} 'wasm-unsafe-eval'; connect-src 'self' ${cdn.origin}`;
  const server = await serve(t, own.folder, { "content-security-policy": policy });
  const [told, state] = await resultOf(t, `${server.origin}/`);
  // There is no Worker.
  assert.equal(told, "ConnectError unexpected_response");
  assert.match(state, /^smartcar-connect\.[\w-]{43}$/);
  assert.deepEqual(server.served.filter((path) => path.startsWith(PACKAGE)), []);
  const names = cdn.served.map((path) => path.slice(PACKAGE.length + 1)).sort();
  const expected = ["client.js", "connect.js", "connect_bg.wasm", "errors.js", "finish.js", "index.js", "page.js", "popup.js", "start.js"];
  assert.deepEqual(names, expected);
});

test("before `init` a synchronous function says so, an asynchronous one loads the module", async (t) => {
  const script = page(
    "index.js",
    `return [
      await attempt(() => connect.createState()),
      await attempt(() => connect.start({ edge: "/nothing-there", navigate: false })),
      await attempt(() => connect.createState().length),
    ];`,
  );
  const { result } = await open(t, script);
  assert.deepEqual(result, ["ConnectError not_initialized", "ConnectError unexpected_response", 60]);
});

test("a page that only asks whether there is a callback loads some scripts, and no module", async (t) => {
  const script = page("index.js", 'return [connect.hasCallback(), connect.hasCallback("/?code=1&state=smartcar-connect.s")];');
  const { server, result } = await open(t, script, { "content-security-policy": TOO_STRICT });
  assert.deepEqual(result, [false, true]);
  const loaded = server.served.filter((path) => path.startsWith(PACKAGE)).map((path) => path.slice(PACKAGE.length + 1));
  assert.deepEqual(loaded.sort(), ["errors.js", "index.js"]);
});

test("what the owner has connected is listed and ended without the module", async (t) => {
  const script = page(
    "index.js",
    `const id = "A".repeat(22);
     const calls = [connect.connections, connect.vehicles, () => connect.disconnect(id), connect.disconnectAll];
     return Promise.all(calls.map((call) => attempt(() => call())));`,
  );
  const { server, result } = await open(t, script, { "content-security-policy": TOO_STRICT });
  // There is no Worker.
  assert.deepEqual(result, Array(4).fill("ConnectError unexpected_response"));
  const loaded = server.served.filter((path) => path.startsWith(PACKAGE)).map((path) => path.slice(PACKAGE.length + 1));
  assert.deepEqual(loaded.sort(), ["client.js", "connections.js", "errors.js", "index.js"]);
});

test("after `init` neither `start` nor `finish` loads anything", async (t) => {
  const script = page(
    "index.js",
    `await connect.init();
     await fetch("/ready");
     await attempt(() => connect.start({ navigate: false }));
     await attempt(() => connect.finish("/?code=1&state=smartcar-connect.${"s".repeat(43)}"));
     return true;`,
  );
  const { server } = await open(t, script);
  const after = server.served.slice(server.served.indexOf("/ready") + 1);
  assert.deepEqual(after, ["/smartcar/connect/start", "/smartcar/connect/finish"]);
});

test("a script that can't be loaded keeps nothing else from working, and the function that needs it says so", async (t) => {
  const { folder } = await consumer(t, {
    "index.html": PAGE,
    "page.js": page(
      "index.js",
      `const address = "/?code=1&state=smartcar-connect.${"s".repeat(43)}";
       const calls = [() => connect.init().then(() => "ready"), connect.start, () => connect.finish(address)];
       const told = [];
       for (const call of calls) told.push(await attempt(() => call()));
       return told;`,
    ),
  });
  const server = await serve(t, folder);
  server.missing.add(`${PACKAGE}/start.js`);
  assert.deepEqual(await resultOf(t, `${server.origin}/`), ["ready", "ConnectError script_unavailable", "ConnectError unexpected_response"]);
});

test("`finish` takes the address of its call, whatever a router makes of it while the module is loaded", async (t) => {
  const script = page(
    "index.js",
    `history.replaceState(null, "", "/?code=1&state=smartcar-connect.${"s".repeat(43)}");
     const finished = attempt(() => connect.finish());
     history.replaceState(null, "", "/");
     return finished;`,
  );
  const { result } = await open(t, script);
  // The Worker would decide about it, and there is none here.
  assert.match(result, /^ConnectError unexpected_response/);
});

test("`finish` after a reload finds what the page was at, whatever a router makes of the address meanwhile", async (t) => {
  const script = page(
    "index.js",
    `const unfinished = { fingerprint: "A".repeat(43), edge: location.origin + "/smartcar", since: Date.now() };
     sessionStorage.setItem("smartcar-connect:finishing", JSON.stringify(unfinished));
     const finished = attempt(() => connect.finish());
     history.replaceState(null, "", "/?tab=1");
     return finished;`,
  );
  const { server, result } = await open(t, script);
  assert.equal(result, "ConnectError unexpected_response");
  assert.ok(server.served.includes(`/smartcar/connect/attempts/${"A".repeat(43)}`));
});

for (const [what, file] of [
  ["not there", undefined],
  ["answered with a page, as by the server of a single-page app", PAGE],
]) {
  test(`where the module's address is ${what}, a script has it`, async (t) => {
    const { folder, installed } = await consumer(t, {
      "index.html": PAGE,
      "page.js": page("index.js", "await connect.init(); return connect.createState();"),
    });
    if (file) await writeFile(join(installed, "connect_bg.wasm"), file);
    const server = await serve(t, folder);
    if (!file) server.missing.add(`${PACKAGE}/connect_bg.wasm`);
    assert.match(await resultOf(t, `${server.origin}/`), /^smartcar-connect\.[\w-]{43}$/);
    assert.ok(server.served.includes(`${PACKAGE}/connect_bg.wasm.js`));
  });
}

test("a policy that forbids the request for the module does not forbid the module", async (t) => {
  const script = page("index.js", "await connect.init(); return connect.createState();");
  const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";
  const { result } = await open(t, script, { "content-security-policy": policy });
  assert.match(result, /^smartcar-connect\.[\w-]{43}$/);
});

test("a module that is not there is a clear error, and a further attempt may work", async (t) => {
  const { folder } = await consumer(t, {
    "index.html": PAGE,
    "page.js": page(
      "index.js",
      `const before = await attempt(() => connect.init());
       await fetch("/restore");
       return [before, await attempt(() => connect.init().then(() => connect.createState().length))];`,
    ),
  });
  const server = await serve(t, folder);
  const wasm = `${PACKAGE}/connect_bg.wasm`;
  server.missing.add(wasm).add(`${wasm}.js`);
  server.onRequest = (path) => path === "/restore" && server.missing.delete(wasm);
  assert.deepEqual(await resultOf(t, `${server.origin}/`), ["ConnectError wasm_unavailable", 60]);
});

test("`init` loads a module that is hosted elsewhere", async (t) => {
  const script = page("index.js", 'await connect.init("/copy.wasm"); return connect.createState().length;');
  const { folder, installed } = await consumer(t, { "index.html": PAGE, "page.js": script });
  await copyFile(`${installed}/connect_bg.wasm`, `${folder}/copy.wasm`);
  const server = await serve(t, folder);
  assert.equal(await resultOf(t, `${server.origin}/`), 60);
  assert.deepEqual(
    server.served.filter((path) => path.endsWith(".wasm")),
    ["/copy.wasm"],
  );
});

test("`createConnect` says once where the Worker is", async (t) => {
  const script = page(
    "index.js",
    `const { connections, disconnect, disconnectAll, finish, reconnect, start, vehicles } = connect.createConnect({ edge: "/edge" });
     const asked = [];
     globalThis.fetch = ((fetch) => (url, init) => {
       if (String(url).endsWith(".wasm")) return fetch(url, init);
       asked.push(init.method + " " + new URL(url).pathname);
       return Promise.reject(new Error("no network"));
     })(fetch);
     for (const call of [start, connections, vehicles, () => disconnect("A".repeat(22)), disconnectAll, () => reconnect("A".repeat(22))]) await attempt(call);
     await attempt(() => connections({ edge: "/other" }));
     return [
       asked,
       await attempt(() => start("no options")),
       await attempt(() => finish("/?code=1&state=smartcar-connect.s", { scope: [] })),
       await attempt(() => connect.createConnect({ edg: "/edge" })),
       await attempt(() => connect.createConnect("/edge")),
     ];`,
  );
  const { result } = await open(t, script);
  const [asked, ...refused] = result;
  assert.deepEqual(asked, [
    "POST /edge/connect/start",
    "GET /edge/connections",
    "GET /edge/vehicles",
    `DELETE /edge/connections/${"A".repeat(22)}`,
    "DELETE /edge/connections",
    `POST /edge/connections/${"A".repeat(22)}/reconnect`,
    "GET /other/connections",
  ]);
  assert.deepEqual(refused, Array(4).fill("ConnectError invalid_option"));
});
