// The server will not have us: what it says, and what to do.

import type { ApiFailure } from "../api/control-plane.ts";
import type { Line } from "../theme/styles.ts";
import { line, wrapped } from "./lines.ts";

export function drawRefused({ message, why, hint }: ApiFailure, cols: number): Line[] {
  const text = [
    message,
    ...(why === undefined ? [] : [`why: ${why}`]),
    ...(hint === undefined ? [] : [`try: ${hint}`]),
  ];
  return [
    [],
    ...text.flatMap((part) => wrapped(part, cols - 4)).map((part, i) => line(`  ${part}`, i === 0 ? "bad" : undefined)),
    [],
    line("  q leaves", "dim"),
  ];
}
