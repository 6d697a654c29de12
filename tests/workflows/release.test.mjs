// What a release's jobs hand on is what was built, and what a registry has already is not published again: the scripts of
// release.yml, run here with programs in the place of npm and curl.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { parse } from "yaml";

const FILE = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../.github/workflows/release.yml");
const { jobs } = parse(await readFile(FILE, "utf8"));

const VERSION = "1.2.3";
const TARBALLS = [`smartcar-connect-${VERSION}.tgz`, `smartcar-connect-simulator-${VERSION}.tgz`];
const CRATE = `smartcar-connect-${VERSION}.crate`;

const digest = (of, algorithm, encoding) => createHash(algorithm).update(of).digest(encoding);
const integrity = (text) => `sha512-${digest(text, "sha512", "base64")}`;
/** What is in a file of the release made here. */
const content = (name) => `the bytes of ${name}\n`;

function stepOf(job, name) {
  const step = jobs[job].steps.find((step) => step.name === name);
  assert.ok(step, `${job} has no step «${name}»`);
  return step;
}

/** A folder as the jobs have it: `dist` as it was built, and programs that stand in for those that would ask the network. */
async function release(t, programs = {}) {
  const folder = await mkdtemp(path.join(os.tmpdir(), "release-"));
  t.after(() => rm(folder, { recursive: true }));
  const dist = path.join(folder, "dist/release");
  await mkdir(dist, { recursive: true });
  const names = [CRATE, ...TARBALLS].sort();
  for (const name of names) await writeFile(path.join(dist, name), content(name));
  await writeFile(path.join(dist, "SHA256SUMS"), names.map((name) => `${digest(content(name), "sha256", "hex")}  ${name}\n`).join(""));
  await writeFile(path.join(folder, "dist/notes.md"), "Something has changed.\n");
  await mkdir(path.join(folder, "bin"));
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(path.join(folder, "bin", name), `#!/bin/sh\n${script}`);
    await chmod(path.join(folder, "bin", name), 0o755);
  }
  return folder;
}

/** Runs a step as GitHub does. */
function run(folder, step, env = {}) {
  const outputs = path.join(folder, "outputs");
  const given = { GITHUB_REF_NAME: `v${VERSION}`, GITHUB_OUTPUT: outputs, LC_ALL: step.env?.LC_ALL ?? "", ...env };
  // Nothing of this machine's comes before what stands in: no file that bash reads at its start, no other PATH.
  const { status, stdout, stderr } = spawnSync("bash", ["--noprofile", "--norc", "-e", "-c", step.run], {
    cwd: path.join(folder, step["working-directory"] ?? "."),
    encoding: "utf8",
    env: { ...given, HOME: folder, PATH: `${folder}/bin:/usr/bin:/bin` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { passed: status === 0, said: stdout + stderr, outputs: () => readFile(outputs, "utf8") };
}

test("every job that publishes takes the artifact that was built, and compares first", () => {
  const first = [
    stepOf("attest", "Take what was built"),
    stepOf("attest", "Hold it to the digests that the build told"),
  ];
  assert.deepEqual(first[0].with, { "artifact-ids": "${{ needs.build.outputs.artifact }}", path: "dist" });
  assert.equal(first[1].env.DIGESTS, "${{ needs.build.outputs.digests }}");
  for (const [id, { steps, needs }] of Object.entries(jobs)) {
    if (["ci", "build"].includes(id)) continue;
    const others = steps.filter(({ uses = "" }) => !uses.startsWith("actions/checkout@"));
    assert.deepEqual(others.slice(0, 2), first, id);
    assert.ok([needs].flat().includes("build"), id);
  }
  assert.match(jobs.build.outputs.artifact, /steps\.upload\.outputs\.artifact-id /);
  assert.match(jobs.build.outputs.digests, /steps\.digests\.outputs\.digests /);
});

test("nothing is published before it is attested, nothing is attested before it is tested, and no test takes a cache", () => {
  assert.deepEqual(jobs.attest.needs, ["ci", "build"]);
  for (const job of ["npm", "crate"]) assert.ok(jobs[job].needs.includes("attest"), job);
  assert.equal(jobs.ci.with["without-cache"], true);
});

test("a cache is taken only where no release depends on it", async () => {
  const ci = parse(await readFile(path.join(path.dirname(FILE), "ci.yml"), "utf8"));
  const caches = Object.values(ci.jobs).flatMap(({ steps }) => steps.filter(({ uses = "" }) => uses.startsWith("actions/cache")));
  assert.ok(caches.length > 0);
  // Of a run that is not called there are no inputs: `!` of nothing is true.
  for (const step of caches) assert.equal(step.if, "${{ !inputs.without-cache }}");
  assert.equal(ci.on.workflow_call.inputs["without-cache"].default, false);
});

test("what was changed, added or left out since it was built is noticed", async (t) => {
  const compare = stepOf("attest", "Hold it to the digests that the build told");
  const folder = await release(t);
  const told = run(folder, stepOf("build", "Tell the digests"));
  assert.ok(told.passed, told.said);
  const [, DIGESTS] = /^digests<<END\n([\s\S]*)\nEND\n$/.exec(await told.outputs());
  const compared = () => run(folder, compare, { DIGESTS });
  assert.ok(compared().passed, compared().said);

  const at = (name) => path.join(folder, "dist", name);
  const sums = await readFile(at("release/SHA256SUMS"), "utf8");
  const other = content("something else");
  const changes = {
    "a file": [[`release/${CRATE}`, other]],
    "the notes": [["notes.md", other]],
    "a file, and the list with it": [
      [`release/${CRATE}`, other],
      ["release/SHA256SUMS", sums.replace(digest(content(CRATE), "sha256", "hex"), digest(other, "sha256", "hex"))],
    ],
    "a file that is not in the list": [["release/smartcar-connect-9.9.9.tgz", other]],
  };
  for (const [what, writes] of Object.entries(changes)) {
    const before = await Promise.all(writes.map(async ([name]) => [name, await readFile(at(name)).catch(() => undefined)]));
    for (const [name, text] of writes) await writeFile(at(name), text);
    assert.ok(!compared().passed, what);
    for (const [name, text] of before) await (text === undefined ? rm(at(name)) : writeFile(at(name), text));
  }
  assert.ok(compared().passed, compared().said);
  await rm(at(`release/${CRATE}`));
  assert.ok(!compared().passed, "a file is missing");
});

test("npm gets both tarballs and nothing else, and not what it has", async (t) => {
  const publish = stepOf("npm", "Publish both packages");
  // `has`: what the registry has of each package, by its name.
  const published = async (has) => {
    const lines = Object.entries(has).map(([name, of]) => `    "${name}@${VERSION}") echo "${of}" ;;\n`);
    const npm = `case $1 in
  view)
    case $2 in
${lines.join("")}    *) echo "npm error code E404" >&2; exit 1 ;;
    esac ;;
  publish) for last; do :; done; echo "$last" >> ../../published ;;
esac
`;
    const folder = await release(t, { npm });
    await writeFile(path.join(folder, "dist/release/other-1.2.3.tgz"), "not ours");
    const { passed, said } = run(folder, publish);
    const list = await readFile(path.join(folder, "published"), "utf8").catch(() => "");
    return { passed, said, list: list.split("\n").filter(Boolean) };
  };
  const both = TARBALLS.map((name) => `./${name}`);
  const [one, two] = TARBALLS.map((name) => integrity(content(name)));

  const first = await published({});
  assert.ok(first.passed, first.said);
  assert.deepEqual(first.list, both);
  const second = await published({ "smartcar-connect": one });
  assert.ok(second.passed, second.said);
  assert.deepEqual(second.list, both.slice(1));
  const again = await published({ "smartcar-connect": one, "smartcar-connect-simulator": two });
  assert.ok(again.passed, again.said);
  assert.deepEqual(again.list, []);
  const another = await published({ "smartcar-connect": two });
  assert.ok(!another.passed);
  assert.deepEqual(another.list, []);
  assert.match(another.said, /::error::npm has another smartcar-connect 1\.2\.3/);
});

test("crates.io gets the crate only if it does not have it", async (t) => {
  const look = stepOf("crate", "Look whether it is there already");
  const line = (version, checksum) =>
    JSON.stringify({ name: "smartcar-connect", vers: version, deps: [{ name: "a", req: `^${VERSION}` }], cksum: checksum, features: {} });
  const ours = digest(content(CRATE), "sha256", "hex");
  const theirs = digest("another", "sha256", "hex");
  const looked = async (...index) => {
    const curl = index.length > 0 ? `cat <<'END'\n${index.join("\n")}\nEND\n` : "echo 'error: 404' >&2; exit 22\n";
    const { passed, said, outputs } = run(await release(t, { curl }), look);
    return { passed, said, missing: /^missing=true$/m.test(await outputs().catch(() => "")) };
  };
  for (const [index, missing] of [
    [[], true],
    [[line("1.2.2", theirs)], true],
    [[line("1.2.30", theirs), line("11.2.3", theirs)], true],
    [[line("1.2.2", theirs), line(VERSION, ours)], false],
  ]) {
    const found = await looked(...index);
    assert.ok(found.passed, found.said);
    assert.equal(found.missing, missing, index.join("\n"));
  }
  const another = await looked(line(VERSION, theirs));
  assert.ok(!another.passed && !another.missing);
  assert.match(another.said, /::error::crates\.io has another/);
  for (const name of ["Hold the crate to the one that was checked", "Publish"]) {
    assert.equal(stepOf("crate", name).if, "steps.there.outputs.missing", name);
  }
});

test("the crate is packed by the Rust that packed it before, and by nothing but a version", async (t) => {
  const hold = stepOf("crate", "Hold the crate to the one that was checked");
  const packs = `mkdir -p target/package && cp dist/release/${CRATE} target/package/\n`;
  const folder = await release(t, { rustup: 'echo "$@" >> rustup.log\n', cargo: packs });
  const version = path.join(folder, "dist/release/rust-version.txt");
  await writeFile(version, "1.95.0\n");
  const held = run(folder, hold);
  assert.ok(held.passed, held.said);
  assert.match(await readFile(path.join(folder, "rustup.log"), "utf8"), /^toolchain install .*1\.95\.0\noverride set 1\.95\.0\n$/);
  await writeFile(version, "/somewhere/else\n");
  assert.ok(!run(folder, hold).passed);
  await writeFile(version, "1.95.0\n");
  await writeFile(path.join(folder, "bin/cargo"), `#!/bin/sh\nmkdir -p target/package && echo other > target/package/${CRATE}\n`);
  assert.ok(!run(folder, hold).passed, "another crate");
});
