// Pictures made of characters: sparklines, bars and plots, with block characters or in ASCII.

const BLOCKS = "▁▂▃▄▅▆▇█";
const ASCII = ".:-=+*#@";

export interface PictureLooks {
  isAscii: boolean;
}

/** The last `width` figures, between 0 and `max`; what was not measured is a blank. */
export function sparkline(figures: readonly number[], width: number, max: number, looks: PictureLooks): string {
  if (width <= 0) return "";
  const steps = looks.isAscii ? ASCII : BLOCKS;
  const shown = figures.slice(-width);
  const drawn = shown.map((figure) => (Number.isNaN(figure) ? " " : (steps[stepOf(figure, max, steps.length)] ?? " ")));
  return " ".repeat(width - shown.length) + drawn.join("");
}

/** "[#####-----]"; at most full, and never empty where something is used. */
export function bar(used: number, limit: number, width: number, looks: PictureLooks): string {
  const inner = width - 2;
  const share = limit > 0 ? used / limit : used > 0 ? 1 : 0;
  const full = Math.min(inner, used > 0 ? Math.max(1, Math.floor(share * inner)) : 0);
  const [on, off] = looks.isAscii ? ["#", "-"] : ["█", "░"];
  return `[${on.repeat(full)}${off.repeat(inner - full)}]`;
}

/** Lines of a plot from the top, `width` by `height`: each column a figure, each cell in eighths. */
export function plot(
  figures: readonly number[],
  size: { width: number; height: number },
  max: number,
  looks: PictureLooks,
): string[] {
  const steps = looks.isAscii ? ASCII : BLOCKS;
  const { width, height } = size;
  const shown = figures.slice(-width);
  const offset = width - shown.length;
  return Array.from({ length: height }, (_, row) => {
    const floor = height - 1 - row;
    let line = " ".repeat(offset);
    for (const figure of shown) {
      const eighths = Number.isNaN(figure) ? -1 : Math.round((clamped(figure, max) / max) * height * steps.length);
      const here = eighths - floor * steps.length;
      if (here <= 0) line += floor === 0 && eighths >= 0 ? (steps[0] ?? " ") : " ";
      else line += steps[Math.min(here, steps.length) - 1] ?? " ";
    }
    return line;
  });
}

function stepOf(figure: number, max: number, steps: number): number {
  return Math.min(steps - 1, Math.floor((clamped(figure, max) / max) * steps));
}

function clamped(figure: number, max: number): number {
  return Math.min(Math.max(figure, 0), max);
}

/** "71%"; what was not measured is not 0. */
export function percent(figure: number | undefined): string {
  return figure === undefined || Number.isNaN(figure) ? "n/a" : `${Math.round(figure)}%`;
}

/** "12:04:33", local time. */
export function timeOfDay(ms: number): string {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}
