// `rexec exec` as scripts use it: against a real server and a real agent.

import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliHome } from "../support/cli.ts";

let home: CliHome;
let agent: string;

beforeAll(async () => {
  home = await CliHome.make();
  const up = await home.up();
  agent = up.agentId;
  const token = (await readFile(join(home.stateDir, "admin-token"), "utf8")).trim();
  const login = ["login", "--server", up.origin, "--grpc", up.grpcAddress];
  expect(await home.run(login, { input: token })).toMatchObject({ code: 0 });
});

afterAll(() => home?.close());

/** A command in the agent's shell. */
const shell = (text: string, ...flags: string[]) => home.run(["exec", agent, "--shell", ...flags, "--", text]);

describe("rexec exec", () => {
  it("keeps standard output and standard error apart, and brings the exit code", async () => {
    expect(await shell("echo out; echo err >&2; exit 7")).toEqual({ code: 7, stdout: "out\n", stderr: "err\n" });
  });

  it("runs a program with its arguments as they are, and no shell", async () => {
    const { stdout } = await home.run(["exec", agent, "--", "printf", "%s|", "a b", "$HOME", "*", ""]);
    expect(stdout).toBe("a b|$HOME|*||");
  });

  it("tells what a signal killed by 128 and its number, and a program that is not there by 127", async () => {
    expect((await shell("kill -TERM $$")).code).toBe(143);
    expect((await shell("kill -KILL $$")).code).toBe(137);
    expect(await home.run(["exec", agent, "--", "no-such-program"])).toMatchObject({ code: 127, stdout: "" });
  });

  it("passes standard input on to its end, with -i alone", async () => {
    const bytes = randomBytes(3_000_000);
    const sum = createHash("sha256").update(bytes).digest("hex");
    const process = home.start(["exec", agent, "-i", "--", "sha256sum"]);
    process.child.stdin.end(bytes);
    expect(await process.exited).toBe(0);
    expect(process.stdout).toContain(sum);
    expect(await home.run(["exec", agent, "--", "wc", "-c"], { input: "not sent" })).toMatchObject({ stdout: "0\n" });
  });

  it("brings every byte of much output, whatever bytes they are", async () => {
    const run = await shell("head -c 20000000 /dev/urandom | tee /dev/stderr | sha256sum >&2");
    // Standard error is its bytes as well, and then the sum: what arrived there is not looked at.
    expect(run.code).toBe(0);
    const bytes = Buffer.from((await shell("seq 1 2000000")).stdout, "latin1");
    const expected = Array.from({ length: 2_000_000 }, (_, i) => `${i + 1}\n`).join("");
    expect(bytes.equals(Buffer.from(expected))).toBe(true);
  });

  it("waits for a reader who comes late, and loses nothing of what is printed", async () => {
    const pty = home.pty(`$REXEC exec ${agent} -- seq 1 50000 | (sleep 4; wc -lc); echo code=$?`);
    await pty.seen(/code=0/);
    expect(pty.output).toMatch(/^ *50000 +288894\r$/m);
  });

  it("ends the command when nobody reads it any more", async () => {
    const pid = home.pty(`$REXEC exec ${agent} --shell -- 'echo pid $$; exec yes' | head -n 2; echo over`);
    await pid.seen(/over/);
    const found = /pid (\d+)/.exec(pid.output)?.[1] ?? "";
    expect(found).not.toBe("");
    await expect.poll(() => isRunning(Number(found)), { timeout: 20_000 }).toBe(false);
  });

  it("sends Ctrl-C on to the command, which may end as it likes", async () => {
    const pty = home.pty(
      `trap : INT; $REXEC exec ${agent} --shell -- 'trap "echo caught; exit 5" INT; echo up; while :; do sleep 0.1; done'; echo code=$?`,
    );
    await pty.seen(/up/);
    pty.type("\x03");
    await pty.seen(/caught[^]*code=5/);
  });

  it("starts where it is told, in an environment with what it is given", async () => {
    const { stdout } = await shell('pwd; echo "$A-$TERM-"', "--cwd", "/usr", "--env", "A=b=c");
    expect(stdout).toBe("/usr\nb=c--\n");
  });

  it("ends a command at its time limit, with all that it has started", async () => {
    const { code, stdout, stderr } = await shell("sleep 300 & echo $!; wait", "--time-limit", "1s");
    expect([code, stderr]).toEqual([255, expect.stringContaining("has reached its time limit")]);
    await expect.poll(() => isRunning(Number(stdout))).toBe(false);
  });

  it("fails by 255 and says why, where the failure is not the command's", async () => {
    const nobody = "11111111-1111-4111-8111-111111111111";
    expect(await home.run(["exec", nobody, "--", "true"])).toMatchObject({
      code: 255,
      stderr: expect.stringContaining("agent not found") as string,
    });
    expect(await shell("true", "--cwd", "/no/such/directory")).toMatchObject({
      code: 255,
      stderr: expect.stringContaining("/no/such/directory") as string,
    });
  });

  it("is usage where no command is said, or a flag's value can't be", async () => {
    for (const args of [[], [agent], [agent, "--env", "1=2", "--", "true"], [agent, "--cwd", "tmp", "--", "true"]])
      expect((await home.run(["exec", ...args])).code, args.join(" ")).toBe(2);
  });

  it("is nobody's to look at, and ends when its own terminal hangs up", async () => {
    const process = home.start(["exec", agent, "--shell", "--", "echo $$ >&2; exec sleep 300"]);
    await process.seen(/\d\n/);
    expect((await home.run(["attach", agent, "--session", "exec-11111111-1111-4111-8111-111111111111"])).code).toBe(2);
    process.kill("SIGHUP");
    expect(await process.exited).toBe(130);
    await expect.poll(() => isRunning(Number(process.stderr.split("\n")[0]))).toBe(false);
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
