// Pictures of a page, for those who want to look at it: in the folder that `SNAPS` names, if it does.
import path from "node:path";

export async function snap(page, name) {
  if (!process.env.SNAPS) return;
  for (const [kind, width] of [
    ["wide", 1100],
    ["narrow", 390],
  ]) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: path.join(process.env.SNAPS, `${name}-${kind}.png`), fullPage: true });
  }
}
