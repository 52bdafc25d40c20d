// Colours and characters that a terminal has, and those that it has not.

import { describe, expect, it, vi } from "vitest";
import { sampleState } from "../../../test/support/tui-sample.ts";
import { settleColors } from "../config.ts";
import type { Looks } from "../state/model.ts";

// Some dozens of frames: a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const KEYS = ["G", "2", "3", "4", "5", "6", "n", "\x1b", "1", "\r", "\x1b", "D", "\x1b", "?", "\x1b", ":", "\x1b"];
/** Weight, underlining, inversion, and their ends. */
const NO_COLORS = new Set(["", "0", "1", "2", "4", "7", "22", "24", "27"]);

/** All that is sent for every screen and dialog. */
async function sent(looks: Looks): Promise<string> {
  settleColors();
  const { startTuiScreen } = await import("../../../test/support/tui-screen.tsx");
  const screen = await startTuiScreen(sampleState({ looks }));
  try {
    for (const key of KEYS) await screen.type(key);
    await screen.resize({ cols: 160, rows: 50 });
    await screen.lines();
    return screen.output();
  } finally {
    screen.close();
  }
}

function styles(output: string): string[] {
  return [...output.matchAll(/\x1b\[([0-9;]*)m/g)].flatMap(([, codes = ""]) => codes.split(";"));
}

describe("what is sent to the terminal", () => {
  it("holds no colour where there is none, and still shows where the cursor is", async () => {
    const codes = styles(await sent({ hasColor: false, isAscii: true }));
    expect(codes.filter((code) => !NO_COLORS.has(code))).toEqual([]);
    expect(codes).toContain("7");
    expect(codes).toContain("1");
  });

  it("holds no colours but the terminal's own sixteen", async () => {
    const codes = styles(await sent({ hasColor: true, isAscii: true })).filter((code) => !NO_COLORS.has(code));
    expect(new Set(codes)).toEqual(new Set(["31", "32", "33", "36", "39"]));
  });

  it("holds nothing but ASCII where that is all there is", async () => {
    expect(await sent({ hasColor: true, isAscii: true })).not.toMatch(/[^\x00-\x7f]/);
  });

  it("draws with blocks and lines elsewhere", async () => {
    expect(await sent({ hasColor: true, isAscii: false })).toMatch(/[▁▂▃▄▅▆▇█].*│/su);
  });
});
