// What every error answer of the Worker looks like.
import assert from "node:assert/strict";

/**
 * Checks that `answer` is a problem as documented, and returns its body.
 * @param {object} [expected]
 * @param {number} [expected.status]
 * @param {string} [expected.code]
 */
export function assertProblem(answer, { status, code } = {}) {
  assert.match(answer.headers["content-type"] ?? "", /^application\/problem\+json\b/, `${answer.status} ${answer.text}`);
  assert.equal(answer.headers["cache-control"], "no-store");
  const problem = answer.json();
  assert.equal(problem.type, `urn:smartcar-connect:problem:${problem.code}`);
  assert.match(problem.code, /^[a-z][a-z0-9_]*$/);
  assert.equal(problem.status, answer.status);
  for (const member of ["title", "detail", "requestId"]) assert.ok(problem[member]?.length > 0, `\`${member}\``);
  if (status !== undefined) assert.equal(answer.status, status, answer.text);
  if (code !== undefined) assert.equal(problem.code, code, answer.text);
  return problem;
}
