import { Terminal } from "@xterm/headless";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { MAX_CONTROL_BYTES, SCROLLBACK_LINES, SCROLLBACK_RING_BYTES } from "../protocol/limits.ts";
import { OutputRing } from "../protocol/output-ring.ts";
import { Screen } from "./screen.ts";
import { coreOf } from "./xterm-core.ts";

const SIZE = { cols: 40, rows: 10 };
const opened: { dispose(): void }[] = [];

afterEach(() => {
  for (const one of opened.splice(0)) one.dispose();
});

function openTerminal(size = SIZE): Terminal {
  const terminal = new Terminal({ ...size, scrollback: SCROLLBACK_LINES, allowProposedApi: true, logLevel: "off" });
  opened.push(terminal);
  return terminal;
}

function write(terminal: Terminal, data: string | Uint8Array): void {
  coreOf(terminal).writeSync(Buffer.from(data));
}

function openScreen(size = SIZE) {
  const ring = new OutputRing(SCROLLBACK_RING_BYTES);
  const screen = new Screen({ size, ring, limit: () => ring.end, onBacklog: () => {} });
  opened.push(screen);
  return {
    ring,
    screen,
    append(data: string | Uint8Array) {
      const bytes = Buffer.from(data);
      for (let at = 0; at < bytes.length; at += 4096) {
        ring.append(bytes.subarray(at, at + 4096));
        screen.outputArrived();
      }
    },
    /** Draws the screen at the end of what was appended. */
    async draw(scrollbackLines = SCROLLBACK_LINES) {
      await new Promise<void>((resolve) => (screen.parsed >= ring.end ? resolve() : screen.prepare(ring.end, resolve)));
      return screen.draw(scrollbackLines);
    },
  };
}

/** Everything that a viewer can see of a terminal, or that decides what it does with the next byte. */
function look(terminal: Terminal, scrollback = Number.POSITIVE_INFINITY) {
  const core = coreOf(terminal);
  const { active, normal } = terminal.buffer;
  const lines = (buffer: typeof active) => {
    const rows: string[] = [];
    for (let y = Math.max(0, buffer.length - terminal.rows - scrollback); y < buffer.length; y++) {
      const line = buffer.getLine(y);
      let text = "";
      for (let x = 0; x < terminal.cols; x++) {
        const cell = line?.getCell(x);
        if (cell === undefined) continue;
        // Palette colours below 16 have two codes.
        const mode = (value: number) => Math.min(value, 0x2000000);
        const style = [mode(cell.getFgColorMode()), cell.getFgColor(), mode(cell.getBgColorMode()), cell.getBgColor()];
        const flags = [cell.isBold(), cell.isInverse(), cell.isUnderline(), cell.isItalic(), cell.isDim()].map(Number);
        const chars = cell.getChars();
        // An empty cell shows its background alone.
        text +=
          chars === "" || chars === " " ? ` ${style.slice(2).join()}|` : `${chars} ${style.join()} ${flags.join("")}|`;
      }
      rows.push(text.replace(/( 0,-1\|)+$/, ""));
    }
    return rows;
  };
  const { scrollTop, scrollBottom, savedX, savedY } = core.buffers.active;
  return {
    size: [terminal.cols, terminal.rows],
    buffer: active.type,
    lines: lines(active),
    behind: active.type === "alternate" ? lines(normal) : [],
    cursor: [active.cursorX, active.cursorY],
    saved: [savedX, Math.max(0, savedY - active.baseY)],
    margins: [scrollTop, scrollBottom],
    modes: { ...terminal.modes },
    hidden: core.coreService.isCursorHidden,
    style: { ...core.coreService.decPrivateModes },
    mouse: core.coreMouseService.activeEncoding,
  };
}

describe("a snapshot", () => {
  const screens: Record<string, string> = {
    "plain text": "hello\r\nworld",
    "coloured text, pen left on": "\x1b[31mred\x1b[1;44m bold on blue\r\nnext",
    "a hidden cursor": "\x1b[?25lx",
    "mouse tracking with SGR coordinates": "\x1b[?1002h\x1b[?1006hx",
    "application cursor keys, keypad, bracketed paste and focus events": "\x1b[?1h\x1b=\x1b[?2004h\x1b[?1004h",
    "no wrapping": "\x1b[?7lx",
    "insert mode": "abc\x1b[4h\x1b[1;1H",
    "scroll margins": "1\r\n2\r\n3\r\n4\x1b[2;5r\x1b[3;2H",
    "scroll margins and origin mode": "1\r\n2\r\n3\r\n4\x1b[3;6r\x1b[?6h\x1b[2;4H",
    "a saved cursor": "\x1b[4;7H\x1b7\x1b[2;2Hx",
    "a full-screen program": "shell$ vim\r\n\x1b[?1049h\x1b[2J\x1b[H\x1b[7mstatus\x1b[0m\x1b[5;5Hbody\x1b[1;34m",
    "a full-screen program in colour at the first cell": "one\r\n\x1b[?1049h\x1b[2;2H\x1b[41mred",
    "a cursor that waits at the right edge": "x".repeat(SIZE.cols),
    "wrapped lines": `${"0123456789".repeat(11)}\r\n$ `,
    "wide and combining characters": "漢字かな e\u0301 👩 \r\nx",
    "a cursor shape": "\x1b[6 qx",
    "rows erased in a colour": "\x1b[44m\x1b[2J\x1b[Hx\x1b[0m",
    "rows erased in a colour, pen left on": "\x1b[48;2;1;2;3m\x1b[2J\x1b[3;3Hx\x1b[1;31m",
    "line drawing": "\x1b(0lqqk",
  };
  for (const [name, output] of Object.entries(screens)) {
    test(`draws ${name} on a terminal that was in use`, async () => {
      const { append, draw } = openScreen();
      append(output);
      const original = openTerminal();
      write(original, output);
      const used = openTerminal();
      write(used, "old\r\n\x1b[?1049h\x1b[?1003h\x1b[?25l\x1b[2;3r\x1b[?6h\x1b[45mjunk\x1b(0\x1b[?7l\x1b[4h");
      write(used, (await draw()).data);
      expect(look(used)).toEqual(look(original));
      // And what comes next has the same effect on both.
      for (const next of ["\r\nqqq\x1b8!", "\x1b[0m\x1b[?1049lback", "\x1b[r\x1b[9;1H\nend"]) {
        write(used, next);
        write(original, next);
        expect(look(used)).toEqual(look(original));
      }
    });
  }

  const sequences = [
    "a\x1b[1;38;5;196mred\x1b[0m",
    "dash — dots … quote ’",
    "é漢👩𐀀",
    "\x1b]0;a title\x07shown",
    "\x1b]8;;https://example.org/\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]8;id=1;https://example.org/\x07\x1b[4mlink\x1b]8;;\x07underlined",
    "\x1bP$q q\x1b\\shown",
    "\x1b(0qqq\x1b(B\x1b#8",
    "\u009b31mred",
    "\x1b[3\nCafter a line feed within",
  ];
  test.each(sequences)("cut anywhere in %j, is gone on with as if it were whole", async (sequence) => {
    const output = Buffer.from(`first\r\n${sequence}!\r\nlast`);
    const original = openTerminal();
    write(original, output);
    for (let cut = 0; cut <= output.length; cut++) {
      const { append, draw } = openScreen();
      append(output.subarray(0, cut));
      const viewer = openTerminal();
      // Decoded beforehand: a viewer's terminal is not to blame (see screen.ts).
      const decoder = new TextDecoder();
      write(viewer, decoder.decode((await draw()).data, { stream: true }));
      write(viewer, decoder.decode(output.subarray(cut)));
      expect(look(viewer), `cut at ${cut}`).toEqual(look(original));
    }
  });

  test("takes a character that came in pieces", async () => {
    const text = "dash — dots … 𐀀 é漢👩";
    const output = Buffer.from(text);
    for (let cut = 1; cut < output.length; cut++) {
      const { append, draw } = openScreen();
      append(output.subarray(0, cut));
      await draw();
      append(output.subarray(cut));
      const fresh = openTerminal();
      write(fresh, (await draw()).data);
      expect(fresh.buffer.active.getLine(0)?.translateToString(true), `cut at ${cut}`).toBe(text);
    }
  });

  test("in the midst of a long picture or clipboard, lets the viewer pass over the rest", async () => {
    const { append, draw } = openScreen();
    append(`before \x1b]52;c;${"QUJD".repeat(20_000)}`);
    const fresh = openTerminal();
    const { data } = await draw();
    write(fresh, data);
    write(fresh, `${"QUJD".repeat(100)}\x07after`);
    expect(data.length).toBeLessThan(1000);
    expect(fresh.buffer.active.getLine(0)?.translateToString(true)).toBe("before after");
  });

  test("carries as much scrollback as was asked for", async () => {
    const { append, draw } = openScreen();
    append(Array.from({ length: 100 }, (_, i) => `line ${i}`).join("\r\n"));
    const fresh = openTerminal();
    write(fresh, (await draw(5)).data);
    expect(fresh.buffer.active.length).toBe(SIZE.rows + 5);
    expect(fresh.buffer.active.getLine(0)?.translateToString(true)).toBe("line 85");
  });

  test("keeps within one frame by leaving out scrollback, and colours at last", async () => {
    const size = { cols: 300, rows: 100 };
    const { append, draw } = openScreen(size);
    const colour = (i: number) => `\x1b[38;2;${i % 251};${i % 241};${i % 239}mx`;
    for (let row = 0; row < 300; row++)
      append(`\r\n${Array.from({ length: 300 }, (_, i) => colour(row * 300 + i)).join("")}`);
    const { data } = await draw();
    expect(data.length).toBeLessThan(MAX_CONTROL_BYTES);
    const fresh = openTerminal(size);
    write(fresh, data);
    expect(fresh.buffer.active.getLine(fresh.buffer.active.baseY)?.translateToString()).toBe("x".repeat(300));
  });

  test("is of the size that the terminal had at its offset", async () => {
    const { append, draw, screen } = openScreen();
    append("x".repeat(100));
    screen.resize({ cols: 60, rows: 12 });
    append("y");
    expect(await draw()).toMatchObject({ cols: 60, rows: 12, offset: 101 });
    const original = openTerminal();
    write(original, "x".repeat(100));
    original.resize(60, 12);
    write(original, "y");
    const fresh = openTerminal({ cols: 60, rows: 12 });
    write(fresh, (await draw()).data);
    expect(look(fresh).lines).toEqual(look(original).lines);
  });
});

describe("a flood", () => {
  // Text with everything that is not an escape sequence, and now and then one that is.
  const plainLine = fc.oneof(
    { weight: 6, arbitrary: fc.string({ maxLength: 70 }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        "é漢👩 \t|",
        "\t\ttabs",
        "back\b\b\bspace",
        "over\rwrite",
        "feed\fform\vtab",
        "\u00a0\u00c2",
        "",
      ),
    },
  );
  const escapes = fc.constantFrom(
    "\x1b[31m",
    "\x1b[0m",
    "\x1b[?25l",
    "\x1b[2;8r",
    "\x1b[r",
    "\x1b[H",
    "\x1b[5A",
    "\x1b[?1049h",
    "\x1b[?1049l",
    "\x1b[?6h",
    "\x1b[?6l",
    "\x1b]0;title",
    "\x07",
    "\x1b[?45h",
    "\x1b7",
    "\x1bP",
    "\x1b\\",
    "\x1b[3",
    "\x0e",
    "\x0f",
    "\u009b4m",
    "\x1b",
  );
  const ending = fc.constantFrom("\r\n", "\r\n", "\r\n", "\n", "\n\r", "");
  const part = fc.record({
    lines: fc.array(fc.tuple(plainLine, ending), { minLength: 1, maxLength: 12 }),
    times: fc.constantFrom(1, 3, 400, 4000),
    before: fc.option(escapes, { nil: "" }),
  });

  test("leaves the same screen as if every byte had been read", async () => {
    let shortcuts = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 5 }), async (parts) => {
        const { append, draw, ring, screen } = openScreen();
        const original = openTerminal();
        for (const { lines, times, before } of parts) {
          const text = lines.map(([line, end]) => line.replace(/[\x0e\x0f\x1b]/g, "") + end).join("");
          const output = Buffer.from(before + text.repeat(Math.min(times, Math.ceil(300_000 / (text.length + 1)))));
          append(output);
          write(original, output);
          await new Promise<void>((resolve) =>
            screen.parsed >= ring.end ? resolve() : screen.prepare(ring.end, resolve),
          );
        }
        if (screen.skippedBytes > 0) shortcuts += 1;
        const fresh = openTerminal();
        write(fresh, (await draw()).data);
        expect(look(fresh).lines).toEqual(look(original).lines);
        expect(look(fresh).cursor).toEqual(look(original).cursor);
        expect(look(fresh).buffer).toEqual(look(original).buffer);
      }),
      { numRuns: 40 },
    );
    expect(shortcuts).toBeGreaterThan(3);
  }, 600_000);
});
