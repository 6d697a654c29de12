// The scanner finds what it has to find: without this, a clean scan would show nothing.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";

import { storedData } from "./disk.mjs";
import { scannerFor } from "./secrets.mjs";

const secret = `${randomUUID()}?=/+`;
const scan = scannerFor([secret]);
const directory = await mkdtemp(path.join(os.tmpdir(), "smartcar-connect-scan-"));
after(() => rm(directory, { recursive: true, force: true }));

const bytes = Buffer.from(secret);
const planted = {
  "in clear": `{"refresh_token":"${secret}"}`,
  "percent-encoded": `?token=${encodeURIComponent(secret)}&x=1`,
  "percent-encoded throughout": bytes.toString("hex").replace(/../g, "%$&"),
  "in hex": `dump: ${bytes.toString("hex")}`,
  "in upper-case hex": bytes.toString("hex").toUpperCase(),
  "in UTF-16": Buffer.from(`x${secret}`, "utf16le"),
  "in base64": bytes.toString("base64"),
  "in base64url": bytes.toString("base64url"),
  "in base64 of something longer": Buffer.from(`{"token":"${secret}"}`).toString("base64"),
  "in base64url one byte further": Buffer.from(`{"token": "${secret}"}`).toString("base64url"),
  "in base64 two bytes further": Buffer.from(`{"token":  "${secret}"}`).toString("base64"),
};

for (const [form, content] of Object.entries(planted)) {
  test(`a secret is found ${form}`, () => {
    assert.notDeepEqual(scan("planted", content), []);
  });
}

test("a secret that is not there is not found", () => {
  for (const content of Object.values(planted)) assert.deepEqual(scannerFor([randomUUID()])("planted", content), []);
});

test("a secret in a value that a database file scatters over its pages is found", async () => {
  await mkdir(path.join(directory, "do"));
  const file = path.join(directory, "do/object.sqlite");
  const database = new DatabaseSync(file);
  database.exec("create table record (id integer primary key, value blob)");
  // Two values, of which at least one has the secret across a page's end, where the raw bytes do not show it.
  for (const before of [4070, 8150]) {
    database.prepare("insert into record (value) values (?)").run(Buffer.from(`${"a".repeat(before)}${secret}`));
  }
  database.close();
  await writeFile(path.join(directory, "blob"), `value ${secret}`);
  const found = (await storedData(directory)).flatMap(({ source, content }) => scan(source, content));
  const sources = found.map(({ source }) => path.relative(directory, source));
  assert.equal(sources.filter((source) => source === "do/object.sqlite record.value").length, 2);
  assert.ok(sources.includes("blob"));
});
