// Networks and processors, as the developer tools of Chromium imitate them.

const KILOBITS = 1000 / 8;
// What the presets of the developer tools take off, for what a connection does not carry.
const CARRIED = 0.9;

/** Each: what it is called, the factor by which the processor is slower, and the network, if it is not the machine's own. */
export const CONDITIONS = [
  { name: "this machine, no network to speak of", processor: 1 },
  {
    name: "Fast 4G, processor 4 × slower",
    processor: 4,
    network: { latency: 60 * 2.75, download: 9000 * CARRIED * KILOBITS, upload: 1500 * CARRIED * KILOBITS },
  },
  {
    name: "Slow 4G, processor 6 × slower",
    processor: 6,
    network: { latency: 150 * 3.75, download: 1600 * CARRIED * KILOBITS, upload: 750 * CARRIED * KILOBITS },
  },
];

/** Puts a page under a condition, before it goes anywhere. */
export async function impose(page, { processor, network }) {
  const session = await page.context().newCDPSession(page);
  if (network) {
    await session.send("Network.enable");
    await session.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: network.latency,
      downloadThroughput: network.download,
      uploadThroughput: network.upload,
    });
  }
  if (processor > 1) await session.send("Emulation.setCPUThrottlingRate", { rate: processor });
}
