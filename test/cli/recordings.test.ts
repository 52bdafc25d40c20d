// Recordings on the command line: started, listed, played, written out, deleted.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CliHome } from "../support/cli.ts";
import { parseCast } from "../support/recordings.ts";

let home: CliHome;
let up: Awaited<ReturnType<CliHome["up"]>>;
let token: string;
let name: string;

beforeAll(async () => {
  home = await CliHome.make();
  up = await home.up();
  token = (await readFile(join(home.stateDir, "admin-token"), "utf8")).trim();
  name = (await run("agents", "-o", "name")).stdout.trim();
});

afterAll(async () => {
  await home?.close();
});

const run = (...args: string[]) => home.run(args, { env: { REXEC_TOKEN: token } });
const play = (command: string, size?: { cols: number; rows: number }) =>
  home.pty(`REXEC_TOKEN=${token} $REXEC ${command}; echo code=$?`, size);

/** One that has ended, of a shell in which this was typed. */
async function recordingOf(typed: string): Promise<string> {
  const shell = home.pty(`$REXEC attach ${up.agentId}; echo code=$?`);
  await shell.seen(/ready> /);
  const started = await run("recordings", "start", name);
  expect(started).toMatchObject({ code: 0 });
  const id = started.stdout.trim();
  expect(started.stderr).toBe(`recording main on ${name}; \`rexec recordings stop ${id}\` ends it\n`);
  await vi.waitFor(async () => expect((await run("sessions", "--json")).stdout).toMatch(/"recorded": true/), {
    timeout: 10_000,
    interval: 200,
  });
  shell.type(`${typed}; exit\r`);
  await shell.seen(/code=0/);
  await vi.waitFor(
    async () => expect((await run("recordings", "get", id, "-o", "json")).stdout).toMatch(/"end_reason": "exit 0"/),
    { timeout: 10_000, interval: 200 },
  );
  return id;
}

it("says how to make one where there is none", async () => {
  expect(await run("recordings", "-o", "jsonl")).toMatchObject({
    code: 0,
    stdout: "",
    stderr: "no recordings; `rexec recordings start AGENT` makes one\n",
  });
});

describe("a recording", () => {
  let id: string;
  beforeAll(async () => {
    id = await recordingOf("echo printed-$((6*7)); sleep 3; printf '\\033[?1049h\\033[?25lfull screen'; sleep 1");
  }, 60_000);

  it("is listed, and shown with all that is known of it", async () => {
    expect((await run("recordings", "ls", "--filter", "state:ended", "-o", "name")).stdout).toBe(`${id}\n`);
    const table = (await run("recordings")).stdout;
    expect(table).toMatch(/^ID +AGENT +SESSION +STARTED +LENGTH +SIZE +GAPS +STATE\n/);
    expect(table).toMatch(new RegExp(`${id} +${name} +main +\\S+ +0:0\\d +\\S+ +0 +exit 0`));
    expect((await run("recordings", "get", id)).stdout).toMatch(/^CAUSE +asked$/m);
    expect((await run("recordings", "ls", "--filter", "session:nothing")).code).toBe(2);
  });

  it("is written out as a file that is what the server says it is", async () => {
    const { stdout } = await run("recordings", "cat", id);
    const { header, events } = parseCast(stdout);
    expect(header).toMatchObject({ cols: 80, rows: 24, title: `${name} main` });
    expect(events.at(-1)).toMatchObject({ kind: "marker", text: "session ended: exit 0" });
    await writeFile(join(home.dir, "it.cast"), stdout);
  });

  it("is played in a terminal without its long pauses, which is as it was afterwards", async () => {
    const shown = play(`play ${id} --idle-limit 100ms`);
    await shown.seen(/printed-42/);
    await shown.seen(/full screen[^]*code=0/);
    // What the recorded program left on is off: the alternate screen, the hidden cursor.
    expect(shown.output.slice(shown.output.indexOf("full screen"))).toMatch(
      /\u001b\[\?1049l[^]*\u001b\[\?25h|\u001b\[\?25h[^]*\u001b\[\?1049l/,
    );
  });

  it("is paused, faster, jumped over and left by keys", async () => {
    const shown = play("play it.cast --real-time --speed 0.1");
    await shown.seen(/ready> /);
    shown.type(" ");
    shown.type("\x1b[C");
    shown.type(" ");
    await shown.seen(/full screen/);
    shown.type("q");
    await shown.seen(/code=0/);
  });

  it("is played from a file and from a pipe; Ctrl-C leaves it", async () => {
    const file = play("play it.cast --speed 100");
    await file.seen(/printed-42[^]*code=0/);
    const piped = await home.run(["play", "-", "--speed", "100"], {
      input: await readFile(join(home.dir, "it.cast"), "utf8"),
    });
    expect(piped).toMatchObject({ code: 0, stdout: expect.stringContaining("printed-42") as string });
    const left = play("play it.cast --real-time --speed 0.01");
    await left.seen(/ready> /);
    left.type("\x03");
    await left.seen(/code=0/);
  });

  it("says that a window is too small for it, and where it has gaps", async () => {
    const cast =
      '{"version":2,"width":200,"height":50}\n[0.1,"o","a"]\n[61,"m","gap: 7 bytes of output were not recorded"]\n[61,"o","b"]\n';
    await writeFile(join(home.dir, "gap.cast"), cast);
    const shown = play("play gap.cast --speed 1000");
    await shown.seen(/code=0/);
    expect(shown.output).toMatch(/recorded in a window of 200x50; this one has 80x24/);
    expect(shown.output).toMatch(/1:01 {2}gap: 7 bytes of output were not recorded/);
  });

  it("is deleted when that is confirmed", async () => {
    expect((await run("recordings", "rm", id)).code).toBe(2);
    expect(await run("recordings", "rm", id, "--yes")).toMatchObject({ code: 0, stderr: `deleted ${id}\n` });
    expect(await run("recordings", "get", id)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("recording not found") as string,
    });
  });
});

it("says what is wrong with what is no recording", async () => {
  await writeFile(join(home.dir, "none.cast"), "hello\n");
  expect(await run("play", "none.cast")).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/no asciicast v2 file[^]*line 1: no JSON/) as string,
  });
  expect(await run("play", "nothing.cast")).toMatchObject({ code: 3 });
  expect(await run("play", crypto.randomUUID())).toMatchObject({ code: 3 });
  expect((await run("play", "none.cast", "--speed", "0")).code).toBe(2);
  expect((await run("recordings", "start", name, "--session", "split-none")).code).toBe(3);
});

it("of whatever runs on an agent is made when its owner says so", async () => {
  expect((await run("agents", "update", name, "--record", "--json")).stdout).toMatch(/"record_sessions": true/);
  const shell = home.pty(`$REXEC attach ${up.agentId} --split; echo code=$?`);
  await shell.seen(/ready> /);
  await vi.waitFor(
    async () =>
      expect((await run("recordings", "--filter", "state:recording", "-o", "wide")).stdout).toMatch(/ agent /),
    { timeout: 10_000, interval: 200 },
  );
  const id = (await run("recordings", "--filter", "state:recording", "-o", "name")).stdout.trim();
  expect(await run("recordings", "stop", id)).toMatchObject({
    code: 0,
    stderr: `ended: stopped; \`rexec play ${id}\` plays it\n`,
  });
  expect((await run("agents", "update", name, "--no-record", "--json")).stdout).toMatch(/"record_sessions": false/);
  shell.type("exit\r");
  await shell.seen(/code=0/);
});
