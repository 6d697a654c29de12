// What no linter knows of the workflows: that they do what can be done here, and may do nothing more.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { parse } from "yaml";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const FOLDER = path.join(ROOT, ".github/workflows");

const files = (await readdir(FOLDER)).filter((name) => /\.ya?ml$/.test(name));
const workflows = await Promise.all(
  files.map(async (name) => {
    const text = await readFile(path.join(FOLDER, name), "utf8");
    return { name, text, workflow: parse(text) };
  }),
);
const jobs = workflows.flatMap(({ name, workflow }) =>
  Object.entries(workflow.jobs).map(([id, job]) => ({ where: `${name}, job ${id}`, job })),
);
const steps = jobs.flatMap(({ where, job }) => (job.steps ?? []).map((step) => ({ where, job, step })));

const read = (file) => readFile(path.join(ROOT, file), "utf8");

test("there is one for each change, one for each release, one for what becomes known, and one for the documentation", () => {
  assert.deepEqual(files.sort(), ["advisories.yml", "ci.yml", "docs.yml", "release.yml"]);
});

test("nothing is permitted but to a job, and each permission says what for", () => {
  for (const { name, text, workflow } of workflows) {
    assert.deepEqual(workflow.permissions, {}, name);
    for (const line of text.split("\n").filter((line) => /^\s+[a-z-]+: (read|write)\b/.test(line))) {
      assert.match(line, /: (read|write) # \S/, `${name}: ${line}`);
    }
  }
  for (const { where, job } of jobs) assert.equal(typeof job.permissions, "object", where);
});

test("only what publishes may write or sign, and only once somebody has agreed", () => {
  const writes = ({ job }) => Object.values(job.permissions).includes("write");
  const publishing = jobs.filter(writes).map(({ where }) => where);
  assert.deepEqual(publishing.sort(), [
    "docs.yml, job deploy",
    "release.yml, job attest",
    "release.yml, job crate",
    "release.yml, job npm",
    "release.yml, job release",
  ]);
  for (const { where, job } of jobs.filter(writes)) {
    // The documentation may be wrong for an hour; what is in a registry stays there.
    const gated = where.startsWith("docs.yml")
      ? job.environment.name === "github-pages"
      : job.environment === "release" || [job.needs].flat().includes("npm");
    assert.ok(gated, `${where} must be in an environment, or wait for what is`);
    for (const { run = "" } of job.steps) {
      // Nothing of a dependency's runs beside the permission: not a build script, not a hook of a package.
      assert.doesNotMatch(run, /\bmake\b|cargo (build|test|run|xtask)|npm (ci|install|exec)|npx/, where);
      if (/cargo (package|publish)/.test(run)) assert.match(run, /--no-verify/, where);
    }
  }
});

test("every action is named by its commit, with the version behind it", () => {
  let seen = 0;
  for (const { name, text } of workflows) {
    for (const [line, action] of text.matchAll(/^[ -]*uses: (\S+).*$/gm)) {
      if (action.startsWith("$/")) continue; // of this repository, at the same commit
      assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name);
      seen += 1;
    }
  }
  assert.ok(seen > 5);
});

test("an action has one commit and one version everywhere", () => {
  const pins = new Map();
  for (const { name, text } of workflows) {
    for (const [, action, pin] of text.matchAll(/uses: ([^@\s]+)@(.+)$/gm)) {
      assert.equal(pins.get(action) ?? pin, pin, `${name}: ${action}`);
      pins.set(action, pin);
    }
  }
});

test("no checkout leaves its token behind, and nobody else's code gets one", () => {
  for (const { name, text, workflow } of workflows) {
    assert.ok(!("pull_request_target" in workflow.on) && !("workflow_run" in workflow.on), name);
    const checkouts = text.match(/actions\/checkout@/g) ?? [];
    const without = text.match(/persist-credentials: false/g) ?? [];
    assert.equal(without.length, checkouts.length, name);
  }
});

test("no script is put together from what somebody else may have written", () => {
  for (const { where, step } of steps) {
    assert.doesNotMatch(step.run ?? "", /\$\{\{/, `${where}: pass it in \`env\`, where it is no script`);
  }
});

test("what builds or tests is a target of the Makefile, or a command of the build tool, that there is", async () => {
  const makefile = await read("Makefile");
  const targets = new Set([...makefile.matchAll(/^([a-z-]+):(?!=)/gm)].map(([, target]) => target));
  const usage = await read("xtask/src/main.rs");
  const called = new Set();
  for (const { where, job, step } of steps) {
    const run = (step.run ?? "").replace('"$TARGET"', (job.strategy?.matrix?.target ?? []).join(" "));
    for (const [, named] of run.matchAll(/\bmake ([a-z -]+)/g)) {
      for (const target of named.trim().split(" ")) {
        assert.ok(targets.has(target), `${where}: the Makefile has no target \`${target}\``);
        called.add(target);
      }
    }
    for (const [, command] of run.matchAll(/cargo xtask ([a-z-]+)/g)) {
      assert.ok(usage.includes(`["${command}"]`), `${where}: there is no \`cargo xtask ${command}\``);
    }
    assert.doesNotMatch(run, /cargo (build|test|check|clippy|nextest|fmt)|node --test|npm (ci|test|run)/, where);
  }
  // Nothing that .ci/run does is left out on a change.
  const parts = { test: ["lint", "test-native", "test-package", "test-browser", "test-edge"] };
  const here = [...(await read(".ci/run")).matchAll(/^(?:exec )?make ([a-z-]+)/gm)].flatMap(([, target]) => parts[target] ?? [target]);
  assert.ok(here.length >= 9);
  for (const target of here) assert.ok(called.has(target), `no workflow calls \`make ${target}\`, which .ci/run does`);
});

test("the parts are called by their names, and the jobs end some time", () => {
  for (const { where, job } of jobs) {
    assert.ok(job.name, where);
    assert.ok(job.uses ?? job["timeout-minutes"], `${where} has no end`);
    if (job.strategy) assert.match(JSON.stringify(job.steps), /make \\"\$TARGET\\"/, where);
  }
});

test("dependabot looks after every lock file and every workflow", async () => {
  const { updates } = parse(await read(".github/dependabot.yml"));
  const looked = updates.flatMap(({ "package-ecosystem": of, directories }) => directories.map((folder) => `${of} ${folder}`));
  const isLooked = (of, folder) =>
    looked.includes(`${of} ${folder}`) || looked.includes(`${of} ${path.posix.dirname(folder)}/*`);
  const { stdout } = await promisify(execFile)("git", ["ls-files", "*Cargo.lock", "*package-lock.json"], { cwd: ROOT });
  const locks = stdout.trim().split("\n");
  assert.ok(locks.length > 5);
  for (const lock of locks) {
    const of = lock.endsWith("Cargo.lock") ? "cargo" : "npm";
    assert.ok(isLooked(of, path.posix.join("/", path.posix.dirname(lock))), `.github/dependabot.yml leaves out ${lock}`);
  }
  assert.ok(looked.includes("github-actions /"));
  for (const update of updates) assert.ok(update.groups, `${update["package-ecosystem"]}: one pull request for many`);
});

test("the forms for issues are read, and show the way for a vulnerability", async () => {
  const forms = path.join(ROOT, ".github/ISSUE_TEMPLATE");
  for (const name of await readdir(forms)) {
    const form = parse(await readFile(path.join(forms, name), "utf8"));
    if (name === "config.yml") {
      assert.equal(form.blank_issues_enabled, false);
      assert.match(form.contact_links[0].url, /\/security\/policy$/);
      continue;
    }
    assert.ok(form.name && form.description, name);
    const ids = form.body.filter(({ type }) => type !== "markdown").map(({ id, attributes }) => {
      assert.ok(attributes.label, name);
      return id;
    });
    assert.equal(new Set(ids).size, ids.length, name);
  }
});
