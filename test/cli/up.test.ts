// `rexec up`: one command from nothing to a prompt.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CliHome } from "../support/cli.ts";

let home: CliHome;

beforeEach(async () => {
  home = await CliHome.make();
});

afterEach(async () => {
  await home.close();
});

async function agentNames(): Promise<string[]> {
  const { stdout } = await home.run(["agents", "ls", "--json"]);
  return (JSON.parse(stdout) as { name: string; status: string }[]).map((agent) => `${agent.name} ${agent.status}`);
}

describe("rexec up in a terminal", () => {
  it("comes from nothing to a prompt, and ends with its shell", async () => {
    const pty = home.pty("$REXEC up; echo code=$?");
    await pty.seen(/preparing the database/, 90_000);
    await pty.seen(/rexec serves http:\/\/127\.0\.0\.1:\d+/, 90_000);
    await pty.seen(/ready> /);
    pty.type("echo $((6*7))\r");
    await pty.seen(/\n42\r/);
    expect(await agentNames()).toEqual([expect.stringMatching(/ online$/)]);
    pty.type("exit 3\r");
    await pty.seen(/the shell has ended; stopping the server and the agent/);
    await pty.seen(/code=0/);
    await pty.exited;
    expect(await readdir(home.stateDir)).not.toContain("up.pid");
  });

  it("is over at Ctrl-C while it starts, and leaves nothing running", async () => {
    const pty = home.pty("trap : INT; $REXEC up; echo code=$?");
    await pty.seen(/preparing the database/, 90_000);
    pty.type("\x03");
    await pty.seen(/rexec: interrupted\r\n/, 90_000);
    await pty.seen(/code=130/);
    expect(await readdir(home.stateDir)).not.toContain("up.pid");
  });
});

describe("rexec up without a terminal", () => {
  it("serves until a signal, keeps its secrets to itself, and is joined by a second one", async () => {
    const { process } = await home.up();
    expect(process.stdout).toBe("");
    const pageUrl = /in a browser, with the token in .*:\n\s+(\S+)/.exec(process.stderr)?.[1] ?? "";
    expect(await (await fetch(pageUrl)).text()).toContain("<title>rexec</title>");
    for (const name of ["admin-token", "agent.json", "jwt-secret", "up.json", "server.log", "agent.log"]) {
      expect((await stat(join(home.stateDir, name))).mode & 0o777, name).toBe(0o600);
    }
    for (const dir of [home.stateDir, home.configDir]) expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(home.configDir, "credentials.json"))).mode & 0o777).toBe(0o600);

    const pty = home.pty("$REXEC up; echo code=$?");
    await pty.seen(/rexec up runs already \(process \d+\)/);
    await pty.seen(/ready> /);
    pty.type("\x1d");
    await pty.seen(/left the terminal; the server goes on/);
    await pty.seen(/code=0/);
    expect(await agentNames()).toHaveLength(1);
    process.kill("SIGINT");
    expect(await process.exited).toBe(0);
  });

  it("is the same agent after a restart, even after a SIGKILL; and takes free ports unless told which", async () => {
    const first = await home.up();
    first.process.kill("SIGKILL");
    await first.process.exited;
    const second = await home.up();
    expect(second.agentId).toBe(first.agentId);
    expect(second.process.stderr).not.toContain("preparing the database");
    expect(await agentNames()).toHaveLength(1);

    const other = await CliHome.make();
    try {
      const beside = await other.up();
      expect(beside.origin).not.toBe(second.origin);
      beside.process.kill("SIGTERM");
      expect(await beside.process.exited).toBe(0);
      const refused = await other.run(["up", "--port", new URL(second.origin).port]);
      expect(refused.stderr).toMatch(/can't start\n.*EADDRINUSE/);
      expect(refused.code).toBe(1);
    } finally {
      await other.close();
    }
  });
});
