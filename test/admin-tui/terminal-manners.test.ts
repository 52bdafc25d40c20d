// What `rexec admin` does where there is no terminal, or a simple one, or no server, or no right to anything; and how
// it leaves the terminal.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { CreateTokenRequest, TokenScope, TokenServiceService } from "../../src/gen/rexec/token/v1/token_service.ts";
import { adminApi } from "../support/admin-cluster.ts";
import {
  type AdminTui,
  type AdminTuiOptions,
  adminCommand,
  CTRL_C,
  driven,
  openAdminTui,
  SMALL,
  startAdminTui,
} from "../support/admin-tui.ts";
import { startInTerminal } from "../support/terminal-process.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";

let server: TestServer;
let directory: string;
const agents: RunningAgent[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-admin-manners-"));
  server = await startTestServer();
  for (const name of ["web-1", "web-2", "web-3"])
    agents.push(await startTestAgent({ wsUrl: server.wsUrl, ...(await server.registerAgent(name)) }));
  await server.registerAgent("never-here");
});

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.stop("the test is over")));
  await server?.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

type Some = Partial<AdminTuiOptions>;

function options(more: Some = {}): AdminTuiOptions {
  return { server, token: server.adminToken, directory, ...more };
}

/** Its output in a pipe. */
async function piped(more: Some = {}): Promise<{ code: number; stdout: string; stderr: string }> {
  const { file, args, cwd, env } = adminCommand(options(more));
  const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const code = new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? -1)));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

const TABLE = /^NAME +STATUS +USER +PLATFORM +CPU +MEM +SES +SEEN +INST\n/;
/** ESC, the C1 control characters, BEL, and whatever else is not text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: SGR begins with one.
const COLOR = /\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what terminals are steered with.
const NOT_ASCII = /[^\x00-\x7f]/;

describe("where the output is no terminal", () => {
  it("prints the agents once, as a plain table", async () => {
    const { code, stdout, stderr } = await piped();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(TABLE);
    for (const name of ["web-1", "web-2", "web-3"])
      expect(stdout).toMatch(new RegExp(`^${name} +online +admin +\\S.* test$`, "m"));
    expect(stdout).toMatch(/^never-here +new +admin +\S+ +- +- +0 +- +-$/m);
    expect(stdout.split("\n")).toHaveLength(6);
    expect(stdout).not.toMatch(CONTROL);
  });

  it("prints it on a terminal that can't move its cursor, too", async () => {
    const tui = startAdminTui(options({ environment: { TERM: "dumb" } }));
    expect(await tui.exitCode).toBe(0);
    await tui.shows(/^never-here +new /m);
    expect(tui.output().replaceAll("\r\n", "\n")).toMatch(TABLE);
    expect(tui.output().replaceAll("\r\n", "\n")).not.toMatch(CONTROL);
  });
});

describe("on a simple terminal", () => {
  /** What is sent while every screen is shown once. */
  async function everyScreen(more: Some): Promise<string> {
    const tui = await openAdminTui(options(more));
    await tui.shows(/^> \S +never-here/m);
    for (const [key, shown] of [
      ["2", /\[2 Sessions/],
      ["3", /\[3 Limits 1/],
      ["4", /\[4 Events\]/],
      ["5", /\[5 Instances 1/],
      ["6", /\[6 Tokens \d/],
      ["1", /\[1 Agents 4/],
      ["?", / Keys /],
    ] as const) {
      tui.type(key);
      await tui.shows(shown);
    }
    await tui.leave(/ Keys /);
    tui.type("G\r");
    await tui.shows(/ access +MFA unlocked/);
    await tui.shows(/CPU +\d+% /);
    tui.type("q");
    expect(await tui.exitCode).toBe(0);
    return tui.output();
  }

  it("has sixteen colours, and signs that are none of ASCII's", async () => {
    const output = await everyScreen({});
    expect(output).toMatch(COLOR);
    expect(output).toMatch(NOT_ASCII);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: SGR begins with one.
    expect(output).not.toMatch(/\x1b\[[\d;]*[34]8[;:]/);
  });

  it.each([
    ["NO_COLOR", { environment: { NO_COLOR: "1" } }],
    ["--no-color", { flags: ["--no-color"] }],
  ])("sends no colour with %s", async (_name, more) => {
    expect(await everyScreen(more)).not.toMatch(COLOR);
  });

  it.each([
    ["--ascii", { flags: ["--ascii"] }],
    ["a locale without UTF-8", { environment: { LANG: "C" } }],
  ])("draws with ASCII alone with %s", async (_name, more) => {
    expect(await everyScreen(more)).not.toMatch(NOT_ASCII);
  });
});

describe("where there is nothing to be shown", () => {
  const nowhere = { httpUrl: "http://127.0.0.1:1", grpcAddress: "127.0.0.1:1" };
  const threeLines = /^rexec: the server at 127\.0\.0\.1:1 can't be reached\n +why: .*\n +try: is it running\? .*$/m;

  it("says in three lines that no server is there, and what to do", async () => {
    const { code, stdout, stderr } = await piped({ server: nowhere });
    expect({ code, stdout }).toEqual({ code: 7, stdout: "" });
    expect(stderr).toMatch(threeLines);
    expect(stderr.trimEnd().split("\n")).toHaveLength(3);
    const tui = startAdminTui(options({ server: nowhere }));
    expect(await tui.exitCode).toBe(7);
    await tui.shows(/^rexec: the server at 127\.0\.0\.1:1 can't be reached$/m);
    await tui.shows(/^ +try: is it running\?/m);
  });

  async function token(): Promise<{ id: string; secret: string }> {
    const api = adminApi(server, server.adminToken);
    const made = await api.call(
      TokenServiceService.createToken,
      CreateTokenRequest.fromPartial({ name: "t", scopes: [TokenScope.TOKEN_SCOPE_ADMIN] }),
    );
    api.close();
    return { id: made.token?.id ?? "", secret: made.secret };
  }

  async function revoke(tokenId: string): Promise<void> {
    const api = adminApi(server, server.adminToken);
    await api.call(TokenServiceService.revokeToken, { tokenId });
    api.close();
  }

  it("says that a token has been revoked, and how to come by another", async () => {
    const { id, secret } = await token();
    await revoke(id);
    const { code, stderr } = await piped({ token: secret });
    expect(code).toBe(4);
    expect(stderr).toMatch(/^rexec: .*\n +try: log in with `rexec login`, or set REXEC_TOKEN\n$/);
    const tui = startAdminTui(options({ token: secret }));
    expect(await tui.exitCode).toBe(4);
    await tui.shows(/^ +try: log in with `rexec login`/m);
    const none = await piped({ token: "" });
    expect(none.code).toBe(4);
    expect(none.stderr).toMatch(/^rexec: not logged in to .*\n +try: run `rexec login`/);
  });

  it("says so on the screen where that happens while it is open", async () => {
    const { id, secret } = await token();
    const tui = await openAdminTui(options({ token: secret }));
    await revoke(id);
    await tui.shows(/ REFUSED /);
    await tui.shows(/try: log in with `rexec login`, or set REXEC_TOKEN/);
    await tui.shows(/q leaves/);
    expect(tui.text()).not.toMatch(/web-1/);
    tui.type("q");
    expect(await tui.exitCode).toBe(0);
  });
});

describe("when it ends", () => {
  /** Between two looks at the terminal's settings. */
  function startBetween(): AdminTui {
    const { file, args, cwd, env } = adminCommand(options());
    const command = [file, ...args].map((word) => `'${word}'`).join(" ");
    return driven(
      startInTerminal({
        file: "/bin/sh",
        args: ["-c", `stty -a; echo before; ${command}; echo "code=$?"; stty -a; echo after`],
        cwd,
        env,
        size: SMALL,
      }),
    );
  }

  function expectRestored(tui: AdminTui): void {
    const output = tui.output();
    const [before, after] = output.match(/speed [^]*?(?=before|after)/g) ?? [];
    expect(after).toBe(before);
    expect(before).toMatch(/ icanon /);
    const isOff = (mode: number, off = "l", on = "h") =>
      output.lastIndexOf(`\x1b[?${mode}${off}`) >= output.lastIndexOf(`\x1b[?${mode}${on}`);
    expect(isOff(1049), "the alternate screen").toBe(true);
    expect(isOff(2004), "bracketed paste").toBe(true);
    expect(isOff(25, "h", "l"), "the hidden cursor").toBe(true);
  }

  it.each([
    ["Ctrl-C", CTRL_C],
    ["q", "q"],
  ])("has put the terminal back after %s", async (_name, key) => {
    const tui = startBetween();
    await tui.shows(/\[1 Agents 4\]/);
    tui.type(key);
    await tui.shows(/^code=0$/m);
    expect(await tui.exitCode).toBe(0);
    expectRestored(tui);
    // What stood on the screen before is there again, and nothing of the list.
    expect(tui.text()).toMatch(/^before$/m);
    expect(tui.text()).not.toMatch(/Agents/);
  });

  it("closes a dialog with Ctrl-C first", async () => {
    const tui = await openAdminTui(options());
    tui.type("?");
    await tui.shows(/─ Keys ─/);
    tui.type(CTRL_C);
    await tui.hides(/─ Keys ─/);
    await tui.shows(/\[1 Agents 4\]/);
    tui.type(CTRL_C);
    expect(await tui.exitCode).toBe(0);
  });

  it("has put the terminal back after a signal", async () => {
    const tui = startBetween();
    await tui.shows(/\[1 Agents 4\]/);
    const children = await readFile(`/proc/${tui.pid}/task/${tui.pid}/children`, "utf8");
    process.kill(Number(children.trim()), "SIGTERM");
    await tui.shows(/^code=/m);
    expect(await tui.exitCode).toBe(0);
    expectRestored(tui);
  });
});
