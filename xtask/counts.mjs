// A reporter for `node --test`: how many tests passed and failed, of all files together, as JSON.
/** @param {AsyncIterable<import("node:test/reporters").TestEvent>} events */
export default async function* counts(events) {
  for await (const { type, data } of events) {
    if (type === "test:summary" && data.file === undefined) yield `${JSON.stringify(data.counts)}\n`;
  }
}
