import { expect, test } from "vitest";
import type { Pty } from "./pty.ts";
import { startRealPty } from "./real-pty.ts";

interface Run {
  pty: Pty;
  output: () => string;
  exit: Promise<number>;
  sees(text: string): Promise<void>;
}

function run(script: string): Run {
  let output = "";
  let wake = () => {};
  const { promise: exit, resolve } = Promise.withResolvers<number>();
  const env = { PATH: "/usr/bin:/bin", TERM: "xterm-256color" };
  const pty = startRealPty(
    { file: "/bin/sh", args: ["-c", script], cwd: "/", env, size: { cols: 80, rows: 24 } },
    {
      onOutput(bytes) {
        output += Buffer.from(bytes).toString("latin1");
        wake();
      },
      onExit: resolve,
    },
  );
  const sees = async (text: string) => {
    while (!output.includes(text)) await new Promise<void>((resume) => (wake = resume));
  };
  return { pty, output: () => output, exit, sees };
}

test("output is bytes, also those that are no UTF-8", async () => {
  const { output, exit } = run("printf '\\303\\251\\377\\200'");
  expect(await exit).toBe(0);
  expect(output()).toBe("\xc3\xa9\xff\x80");
});

test("an exit code, and a signal's number, come after the last byte", async () => {
  const first = run("seq 1 5000; exit 7");
  expect(await first.exit).toBe(7);
  expect(first.output().endsWith("5000\r\n")).toBe(true);
  expect(await run("kill -TERM $$").exit).toBe(143);
});

test("what a paused reader has not read is not lost at the exit", async () => {
  const { pty, output, exit, sees } = run("echo start; read x; seq 1 300; exit 3");
  await sees("start");
  pty.pause();
  pty.write(Buffer.from("\r"));
  await expect.poll(() => pty.isAlive(), { timeout: 20_000 }).toBe(false);
  // Twice as long as the library waits after an exit before it drops what nobody has read: of that there is no event.
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(output()).not.toContain("300");
  pty.resume();
  expect(await exit).toBe(3);
  expect(output().endsWith("300\r\n")).toBe(true);
});

test("a background job that keeps the terminal does not keep the session", async () => {
  const { pty, exit } = run("(trap '' HUP; sleep 1000) & exit 5");
  expect(await exit).toBe(5);
  pty.signal("SIGKILL");
});

test("a full terminal takes no more, without waiting, and goes on when it is read", async () => {
  const { pty, sees, exit } = run("stty raw -echo; echo ready; sleep 0.5; head -c 200000 >/dev/null; echo took");
  await sees("ready");
  const piece = Buffer.alloc(65_536, 0x61);
  let written = 0;
  while (true) {
    const taken = pty.write(piece);
    if (taken === 0 || taken === "closed") break;
    written += taken;
  }
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(200_000);
  while (written < 200_000) {
    const taken = pty.write(piece.subarray(0, 200_000 - written));
    if (taken === "closed") break;
    written += taken;
    if (taken === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await sees("took");
  await exit;
  expect(pty.write(piece)).toBe("closed");
});

test("a signal reaches everything on the terminal", async () => {
  const { pty, sees, exit } = run("trap '' HUP; sleep 1000 & sh -c 'trap \"\" HUP; sleep 1001' & echo ready; wait");
  await sees("ready");
  pty.signal("SIGHUP");
  expect(pty.isAlive()).toBe(true);
  pty.signal("SIGKILL");
  expect(await exit).toBe(137);
  await expect.poll(() => pty.isAlive(), { timeout: 20_000 }).toBe(false);
});
