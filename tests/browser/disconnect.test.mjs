import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { call, setUp } from "./support/chromium.mjs";
import { CONNECTION, json, problem } from "./support/server.mjs";

let lab;
before(async () => {
  lab = await setUp();
});
after(() => lab?.close());
beforeEach(() => lab.world.reset());

const ONE = `/connections/${CONNECTION.id}`;
const CALLS = [
  { name: "disconnect", args: [CONNECTION.id], path: ONE },
  { name: "disconnectAll", args: [], path: "/connections" },
];

for (const { name, args, path } of CALLS) {
  test(`${name} deletes ${path}, on the page's origin and on another`, async (t) => {
    const page = await lab.page(t);
    for (const options of [undefined, { edge: `${lab.world.elsewhere}/other/edge/` }]) {
      lab.world.requests = [];
      const given = await call(page, name, ...args, ...(options ? [options] : []));
      assert.deepEqual(given, { value: undefined });
      const [request, ...others] = lab.world.sent(path);
      assert.deepEqual(others, []);
      assert.equal(request.method, "DELETE");
      assert.equal(request.body, null);
      assert.equal(request.headers["x-requested-with"], "smartcar-connect");
      assert.equal(request.headers.origin, lab.world.app);
      assert.equal(request.headers.host, new URL(options?.edge ?? lab.world.app).host);
    }
  });

  test(`${name} says what the Worker says`, async (t) => {
    const page = await lab.page(t);
    lab.world.answers[`DELETE ${path}`] = problem(503, "storage_unavailable", "try again", { retryAfter: 5 });
    assert.deepEqual((await call(page, name, ...args)).error, {
      name: "ConnectError",
      isError: true,
      code: "storage_unavailable",
      message: "try again",
      field: undefined,
      status: 503,
      requestId: "req-1",
      retryAfter: 5,
    });
  });

  test(`${name} believes only a 204 that it is done`, async (t) => {
    const page = await lab.page(t);
    for (const [answer, code] of [
      ["reset", "network_error"],
      [{ status: 200, type: "text/html", body: "<!doctype html>" }, "unexpected_response"],
      [{ status: 200 }, "unexpected_response"],
      [json({}), "unexpected_response"],
      [{ status: 302, headers: { location: "/login" } }, "unexpected_response"],
    ]) {
      lab.world.answers[`DELETE ${path}`] = answer;
      const { error } = await call(page, name, ...args);
      assert.equal(error?.code, code, JSON.stringify(answer));
      assert.ok(error.message.includes(`${lab.world.app}/smartcar${path}`), error.message);
    }
  });

  test(`${name} refuses options that it does not know`, async (t) => {
    const page = await lab.page(t);
    const { error } = await call(page, name, ...args, { egde: "/smartcar" });
    assert.deepEqual([error.code, error.field], ["invalid_option", "egde"]);
    assert.match(error.message, new RegExp(`not an option of \`${name}\``));
    assert.deepEqual(lab.world.requests, []);
  });
}

test("disconnect of a connection that has ended already says so", async (t) => {
  const page = await lab.page(t);
  lab.world.answers[`DELETE ${ONE}`] = problem(404, "connection_not_found", "there is no such connection");
  const { error } = await call(page, "disconnect", CONNECTION.id);
  assert.deepEqual([error.code, error.status], ["connection_not_found", 404]);
});

test("disconnect sends nothing but an id", async (t) => {
  const page = await lab.page(t);
  const ids = ["", "short", `${CONNECTION.id}A`, "../connections/AAECAwQ", "AAECAwQFBgcICQoLDA0O%2", "AAECAwQFBgcICQoLDA0OD/", "AAECAwQFBgcICQoLDA0ODx", "äECAwQFBgcICQoLDA0ODw"];
  for (const id of [undefined, null, 7, {}, [CONNECTION.id], ...ids]) {
    const { error } = await call(page, "disconnect", id);
    assert.deepEqual([error?.code, error?.field], ["invalid_option", "id"], JSON.stringify(id));
    assert.match(error.message, /^`id` must be a connection's `id` .*22 characters of base64url, not /);
  }
  assert.deepEqual(lab.world.requests, []);
});
