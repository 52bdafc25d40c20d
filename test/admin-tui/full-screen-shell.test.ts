// Out to a full-screen program on an agent and back, again and again: each time the screen is what a freshly started
// `rexec admin` would draw. With vim where the machine has it, and with a program of the tests' own in any case.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { TerminalSize } from "../../src/protocol/terminal-size.ts";
import { type AdminCluster, startAdminCluster } from "../support/admin-cluster.ts";
import { type AdminTui, DETACH, ERASE_LINE, ESCAPE, openAdminTui, SIZES } from "../support/admin-tui.ts";
import { openShellViewer, printed } from "../support/shell-viewer.ts";

const PROGRAM = fileURLToPath(new URL("../support/full-screen-program.js", import.meta.url));
const VIM = ["/usr/bin/vim", "/usr/local/bin/vim", "/bin/vim"].find((path) => existsSync(path));
/** At each of two sizes; where there is a vim, eleven of them are with it. */
const ROUNDS = 14;
const AGENTS = 30;

let cluster: AdminCluster;

beforeAll(async () => {
  cluster = await startAdminCluster(AGENTS);
  // From the beginning there is a session: it counts on both screens.
  const { server } = cluster;
  for (const agentId of [cluster.agentId("box-1"), cluster.agentId("box-2")]) {
    const viewer = openShellViewer({ wsUrl: server.wsUrl, token: server.adminToken, agentId });
    await viewer.opened();
    viewer.type("echo $((6*7))\r");
    await viewer.shows(printed("42"));
    viewer.terminal.close();
  }
});

afterAll(() => cluster?.close());

interface FullScreen {
  command: string;
  isOpen: RegExp;
  quit: string;
}

function programs(round: number): FullScreen {
  if (VIM !== undefined && round % 4 !== 3) {
    const text = `round-${round}`;
    return {
      command: `${VIM} -u NONE -N /tmp/rexec-no-such-file-${process.pid}`,
      isOpen: /^~\n~\n/m,
      quit: `i${text}${ESCAPE}:q!\r`,
    };
  }
  return { command: `'${process.execPath}' '${PROGRAM}'`, isOpen: /^line 0 of \d+x\d+ #/m, quit: "q" };
}

function open(size: TerminalSize): Promise<AdminTui> {
  const { server, directory } = cluster;
  return openAdminTui({ server, token: server.adminToken, directory, size });
}

/**
 * A screen without what moves by itself: clock, ages, load and its history, traffic; and the line of messages and the
 * newest events, in whose place one blank stands. Nothing that is left may differ by a cell.
 */
function still(screen: readonly string[], { rows, cols }: TerminalSize): string[] {
  const eventsAt = screen.findIndex((line) => line.startsWith(" events ──"));
  return screen.map((line, i) => {
    if (i === rows - 3) return "";
    if (eventsAt >= 0 && i > eventsAt && i < rows - 3) return "";
    const [list, details] = cols >= 140 ? split(line) : [line, undefined];
    const isPlot = details !== undefined && i > 7;
    return `${stillCells(list)}${details === undefined || isPlot ? "" : `│${stillCells(details)}`}`.trimEnd();
  });
}

function split(line: string): [string, string | undefined] {
  const at = line.indexOf("│");
  return at < 0 ? [line, undefined] : [line.slice(0, at), line.slice(at + 1)];
}

function stillCells(text: string): string {
  return text
    .replace(/\d\d:\d\d$/, "CLOCK")
    .replace(/LIVE \d+s/, "LIVE s")
    .replace(/ online \d+[smh]/, " online")
    .replace(/(?:[ \d]{3}%| n\/a)(?: [ ▁▂▃▄▅▆▇█]{8})? (?:[ \d]{3}%| n\/a)( [ \d]{3}) [ \d]{3}[smh] /, "LOAD$1 SEEN ");
}

async function isStill(tui: AdminTui, size: TerminalSize, expected: readonly string[]): Promise<void> {
  await vi.waitFor(() => expect(still(tui.screen(), size)).toEqual(expected), { timeout: 20_000, interval: 50 });
}

const CASES = SIZES.map((size, i) => ({
  ...size,
  box: `box-${i + 1}`,
  other: i === 0 ? { cols: 101, rows: 31 } : { cols: 150, rows: 45 },
}));

describe.each(CASES)("at $name", ({ size, box, other }) => {
  let tui: AdminTui;
  let fresh: string[];
  let freshOther: string[];

  /** What one that has just been started draws, with the cursor on the agent. */
  async function freshScreen(at: TerminalSize): Promise<string[]> {
    const another = await open(at);
    await toBox(another);
    await another.hides(/LOADING/);
    // It knows who looks, and no frame is half drawn: twice the same.
    await another.shows(/ s shell /);
    let screen: string[] = [];
    await vi.waitFor(
      () => {
        const before = screen;
        screen = still(another.screen(), at);
        expect(screen).toEqual(before);
      },
      { timeout: 20_000, interval: 300 },
    );
    another.kill();
    return screen;
  }

  async function toBox(on: AdminTui): Promise<void> {
    await on.shows(/ 2 Sessions 2 .* 5 Instances 3 /);
    if (box !== "box-1") on.type("j");
    await on.shows(new RegExp(`^> \\+ +${box} `, "m"));
  }

  beforeAll(async () => {
    fresh = await freshScreen(size);
    freshOther = await freshScreen(other);
    await begin();
  });

  afterAll(() => tui?.kill());
  // What a failed round leaves on the screen is not the next one's.
  afterEach(({ task }) => (task.result?.state === "fail" ? begin() : undefined));

  async function begin(): Promise<void> {
    tui?.kill();
    tui = await open(size);
    await toBox(tui);
    await isStill(tui, size, fresh);
  }

  it.each(Array.from({ length: ROUNDS }, (_, round) => ({ round })))("comes back, round $round", async ({ round }) => {
    const { command, isOpen, quit } = programs(round);
    const isResized = round % 3 === 1;
    const isLeftOpen = round % 5 >= 3;
    tui.type("s");
    await tui.hides(/\[1 Agents/);
    // A terminal's answer to a question of vim's may come when vim has gone, over every remote shell: the line is emptied.
    tui.type(`${ERASE_LINE}${command}\r`);
    await tui.shows(isOpen);
    if (isResized) {
      // The window changes while the program has it.
      tui.resize(other);
      await tui.shows(new RegExp(`line 0 of ${other.cols}x${other.rows} #|^~\\n~\\n`, "m"));
    }
    if (!isLeftOpen) {
      tui.type(quit);
      await tui.hides(isOpen);
    }
    tui.type(DETACH);
    await tui.shows(new RegExp(`left ${box}; its shell goes on`));
    await isStill(tui, isResized ? other : size, isResized ? freshOther : fresh);
    // The list's header alone is underlined: the colours and lines of the program are gone as well.
    expect(tui.decorated()).toEqual({ underlined: [3], coloured: [] });
    // A key moves the cursor, and nothing else: nothing is left of what the program made of the terminal.
    tui.type("j");
    await tui.hides(new RegExp(`^> \\+ +${box} `, "m"));
    tui.type("k");
    await tui.shows(new RegExp(`^> \\+ +${box} `, "m"));
    if (isResized) {
      tui.resize(size);
      await isStill(tui, size, fresh);
    }
    if (!isLeftOpen) return;
    // Left with its program on the screen: it is there when somebody comes again.
    tui.type("s");
    await tui.shows(isOpen);
    tui.type(quit);
    await tui.hides(isOpen);
    tui.type(DETACH);
    await tui.shows(/\[1 Agents/);
    await isStill(tui, size, fresh);
  });

  it("has put every mode back that the programs had set", () => {
    const output = tui.output();
    for (const mode of [1000, 1006])
      expect(output.lastIndexOf(`\x1b[?${mode}l`), `mode ${mode}`).toBeGreaterThan(
        output.lastIndexOf(`\x1b[?${mode}h`),
      );
  });
});
