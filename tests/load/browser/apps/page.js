// What the pages of both have in common: a button, and how its click is timed.

export const APPLICATION_ID = "11111111-2222-4333-8444-555555555555";
export const SCOPE = ["required:read_odometer", "read_vehicle_info", "read_battery"];
export const CODE = "0f2c1a58-2a5e-4a1c-9f67-5d8a0f3b9c11";
export const REDIRECT_URI = `${location.origin}/cars`;

/** Makes the page usable. `work` is what a click does; `many` does it once more, for how long one takes of many. */
export function serve(work, many) {
  const button = document.querySelector("button");
  button.onclick = async () => {
    const began = performance.now();
    const result = await work();
    globalThis.clicked = { ms: performance.now() - began, result };
  };
  globalThis.perCall = (count) => {
    for (let call = 0; call < count / 4; call += 1) many();
    const began = performance.now();
    for (let call = 0; call < count; call += 1) many();
    return (performance.now() - began) / count;
  };
  button.disabled = false;
  globalThis.ready = performance.now();
}

export const asksFor = (what) => new URLSearchParams(location.search).has(what);
