// In Chromium from a plain <script type="module">, under the content security policies of real pages.
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
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

test("before `init` a synchronous function says so, an asynchronous one loads the module", async (t) => {
  const script = page(
    "index.js",
    `return [
      await attempt(() => connect.createState()),
      await attempt(() => connect.connections({ edge: "/nothing-there" })),
      await attempt(() => connect.createState().length),
    ];`,
  );
  const { result } = await open(t, script);
  assert.deepEqual(result, ["ConnectError not_initialized", "ConnectError unexpected_response", 60]);
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
  server.missing.add(wasm);
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
