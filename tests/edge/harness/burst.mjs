// Many requests at once, spread over the isolates.

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

/**
 * Sends `count` requests at once.
 * @param {object} options
 * @param {number} options.count
 * @param {number} options.isolates the requests go to isolate 0 … isolates - 1 in turn
 * @param {(isolate: number, index: number) => Promise<T>} options.request
 * @returns {Promise<{answers: T[], p50: number, p99: number}>} answers in order, times to answer in ms
 * @template T
 */
export async function burst({ count, isolates, request }) {
  const times = [];
  const answers = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const began = performance.now();
      const answer = await request(index % isolates, index);
      times.push(performance.now() - began);
      return answer;
    }),
  );
  times.sort((a, b) => a - b);
  return { answers, p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}
