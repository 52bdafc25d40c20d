// The line between two halves of a split, which moves with a pointer and with the arrow keys.

import { element } from "./element.ts";

export type Direction = "beside" | "below";

/** Of the whole, in percent: no half goes away. */
const MIN_SHARE = 10;
const STEP = 5;

/** For a split whose first child's share is the custom property `--share`. */
export function divider(split: HTMLElement, direction: Direction): HTMLElement {
  let share = 50;
  const line = element("div", {
    className: "divider",
    role: "separator",
    tabIndex: 0,
    ariaLabel: "Resize the views",
    ariaOrientation: direction === "beside" ? "vertical" : "horizontal",
    ariaValueMin: String(MIN_SHARE),
    ariaValueMax: String(100 - MIN_SHARE),
  });
  const move = (wanted: number): void => {
    share = Math.min(100 - MIN_SHARE, Math.max(MIN_SHARE, wanted));
    split.style.setProperty("--share", `${share}%`);
    line.ariaValueNow = String(Math.round(share));
  };
  line.addEventListener("pointerdown", (event) => {
    line.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  line.addEventListener("pointermove", (event) => {
    if (!line.hasPointerCapture(event.pointerId)) return;
    const { left, top, width, height } = split.getBoundingClientRect();
    const part = direction === "beside" ? (event.clientX - left) / width : (event.clientY - top) / height;
    move(part * 100);
  });
  line.addEventListener("keydown", ({ key }) => {
    const [less, more] = direction === "beside" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    if (key === less) move(share - STEP);
    if (key === more) move(share + STEP);
  });
  move(share);
  return line;
}
