// What both are timed by, in a process of their own each time.

export const APPLICATION_ID = "11111111-2222-4333-8444-555555555555";
export const SCOPE = ["required:read_odometer", "read_vehicle_info", "read_battery"];
export const REDIRECT_URI = "https://app.example.com/cars";

export function timed(work) {
  const began = performance.now();
  const result = work();
  return { ms: performance.now() - began, result };
}

/** How long one call takes of many, in milliseconds. The first of them are not counted. */
export function perCall(work, count) {
  for (let call = 0; call < count / 4; call += 1) work();
  return timed(() => {
    for (let call = 0; call < count; call += 1) work();
  }).ms / count;
}

export function tell(times) {
  process.stdout.write(`${JSON.stringify(times)}\n`);
}
