// What the bench prints.

export function print(line = "") {
  process.stdout.write(`${line}\n`);
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function table(heads, rows) {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column].length)));
  const line = (cells) =>
    `  ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("   ")}`;
  print(line(heads));
  print(`  ${"─".repeat(line(heads).length - 2)}`);
  rows.forEach((row) => print(line(row)));
}

const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const times = (value) => `${value.toFixed(2)} ×`;

/**
 * Prints all figures and says of each demand whether it is met.
 * @returns {boolean} whether all are
 */
export function report({ floor, fresh, alone, storms, peers, bar }) {
  print("\nAt expiry: everybody needs the new token. Times also as multiples of one round trip to Smartcar.\n");
  table(
    ["Smartcar's round trip", "upstream calls", "tokens", "failed", "one client", "p50", "p99", "p50 ÷ trip", "p99 ÷ trip"],
    storms.map((storm) => [
      ms(storm.upstreamMs),
      `${storm.upstream}`,
      `${storm.tokens}`,
      `${storm.failed}`,
      ms(storm.one.p50),
      ms(storm.p50),
      ms(storm.p99),
      times(storm.p50 / storm.upstreamMs),
      times(storm.p99 / storm.upstreamMs),
    ]),
  );
  print("\nWithout a refresh\n");
  table(
    ["", "Durable Object calls", "failed", "p50", "p99"],
    [
      ["a fresh token, one client", `${alone.vault}`, `${alone.failed}`, ms(alone.p50), ms(alone.p99)],
      ["a fresh token, all at once", `${fresh.vault}`, `${fresh.failed}`, ms(fresh.p50), ms(fresh.p99)],
      ["the floor: `healthz`, all at once", "-", `${floor.failed}`, ms(floor.p50), ms(floor.p99)],
    ],
  );
  print("\nThe floor is what this machine needs to carry that many requests through the client and workerd.\n");

  const [first] = storms;
  print(`The usual ways to keep a token, the same storm (Smartcar's round trip ${ms(first.upstreamMs)})\n`);
  table(
    ["", "upstream calls", "failed", "p50", "p99"],
    [...peers, { ...first, name: "smartcar-connect" }].map((peer) => [
      peer.name,
      `${peer.upstream}`,
      `${peer.failed}`,
      ms(peer.p50),
      ms(peer.p99),
    ]),
  );
  print();

  const everyStorm = (holds) => storms.every(holds);
  const demands = [
    ["one upstream call for each storm", everyStorm(({ upstream }) => upstream === 1)],
    ["one token for all, nobody fails", everyStorm(({ tokens, failed }) => tokens === 1 && failed === 0)],
    ["a fresh token calls no Durable Object", fresh.vault === 0 && alone.vault === 0 && fresh.failed === 0],
    [
      `p99 at most ${bar} × one round trip of ${first.latencyMs} ms (${times(first.p99 / first.upstreamMs)})`,
      first.p99 <= bar * first.upstreamMs,
    ],
  ];
  for (const [demand, met] of demands) print(`  ${met ? "✓" : "✗"} ${demand}`);
  return demands.every(([, met]) => met);
}
