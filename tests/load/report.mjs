// What the bench prints.

export function print(line = "") {
  process.stdout.write(`${line}\n`);
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** A table whose first column is text and whose others are figures. */
export function table(heads, rows) {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column].length)));
  const line = (cells) =>
    `  ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("   ")}`;
  print(line(heads));
  print(`  ${"─".repeat(line(heads).length - 2)}`);
  rows.forEach((row) => print(line(row)));
}

const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const times = (value) => `${value.toFixed(2)} ×`;

const kvOf = ({ fromMemory }) => (fromMemory ? "from memory" : "emulated");

/**
 * Prints all figures and says of each demand whether it is met.
 * @returns {boolean} whether all are
 */
export function report({ floor, fresh, storms, peers, bar }) {
  print("\nAt expiry: everybody needs the new token. `×` is in round trips to Smartcar.\n");
  table(
    ["round trip", "requests at once", "KV reads", "upstream calls", "tokens", "failed", "p50", "p99", "p50", "p99"],
    storms.map((storm) => [
      ms(storm.upstreamMs),
      `${storm.count}`,
      kvOf(storm),
      `${storm.upstream}`,
      `${storm.tokens}`,
      `${storm.failed}`,
      ms(storm.p50),
      ms(storm.p99),
      times(storm.p50 / storm.upstreamMs),
      times(storm.p99 / storm.upstreamMs),
    ]),
  );
  print("\nA fresh token, and a route that does nothing: the least that this machine needs to carry the requests\n");
  table(
    ["", "requests at once", "KV reads", "Durable Object calls", "failed", "p50", "p99"],
    [
      ...fresh.map((one) => [
        "fresh token",
        `${one.count}`,
        kvOf(one),
        `${one.vault}`,
        `${one.failed}`,
        ms(one.p50),
        ms(one.p99),
      ]),
      ["healthz", `${storms[0].count}`, "-", "-", `${floor.failed}`, ms(floor.p50), ms(floor.p99)],
    ],
  );
  const [first] = storms;
  const storm = `${first.count} at once, a round trip of ${ms(first.upstreamMs)}`;
  print(`\nThe usual ways to keep a token in the same storm: ${storm}\n`);
  table(
    ["", "upstream calls", "failed", "p50", "p99"],
    [...peers, { ...storms[1], name: "smartcar-connect" }].map((peer) => [
      peer.name,
      `${peer.upstream}`,
      `${peer.failed}`,
      ms(peer.p50),
      ms(peer.p99),
    ]),
  );
  print("\n`emulated` is Miniflare's KV, and takes this machine's time; the real one does not. `from memory` is what a");
  print("location has read within the last minute, as at Cloudflare. All isolates share one thread here.\n");

  const everyStorm = (holds) => storms.every(holds);
  // All isolates share one thread here, so that the machine's own part counts for as much as Smartcar's.
  const ratio = (first.p99 - floor.p99) / first.upstreamMs;
  const demands = [
    ["one upstream call for each storm", everyStorm(({ upstream }) => upstream === 1)],
    ["one token for all, nobody fails", everyStorm(({ tokens, failed }) => tokens === 1 && failed === 0)],
    ["a fresh token calls no Durable Object", fresh.every(({ vault, failed }) => vault === 0 && failed === 0)],
    [
      `p99 less that of \`healthz\` at most ${bar} × a round trip of ${first.latencyMs} ms, ${first.count} at once: ${times(ratio)}`,
      ratio <= bar,
    ],
  ];
  for (const [demand, met] of demands) print(`  ${met ? "✓" : "✗"} ${demand}`);
  return demands.every(([, met]) => met);
}
