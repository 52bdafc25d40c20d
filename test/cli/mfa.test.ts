// A second factor on the command line: set up, agents locked behind it and opened again, and what a locked one says.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliHome } from "../support/cli.ts";
import { authenticatorOf } from "../support/mfa.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";

let home: CliHome;
let server: TestServer;
let agentId: string;
let where: string[];
/** Each good for one use. */
let recoveryCodes: string[];

beforeAll(async () => {
  [home, server] = await Promise.all([CliHome.make(), startTestServer()]);
  where = ["--server", server.httpUrl, "--grpc", server.grpcAddress];
  ({ agentId } = await server.registerAgent("locked"));
});

afterAll(async () => {
  await server?.close();
  await home?.close();
});

const run = (args: readonly string[], input = "") =>
  home.run([...args, ...where], { input, env: { REXEC_TOKEN: server.adminToken } });

describe("rexec mfa", () => {
  it("says what to do where there is no second factor yet", async () => {
    expect((await run(["mfa"])).stdout).toMatch(/^SECOND FACTOR +off\n/);
    expect(await run(["agents", "lock", "locked"])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("try: turn MFA on first: `rexec mfa enroll`") as string,
    });
  });

  it("shows a picture, the secret and the recovery codes, once", async () => {
    const { stdout, stderr } = await run(["mfa", "enroll"]);
    expect(Buffer.from(stdout, "latin1").toString()).toMatch(
      /█[\s\S]*\notpauth:\/\/totp\/.*\nrecovery codes, each good for one use:\n( {2}[0-9a-f-]+\n)+$/,
    );
    expect(stderr).toContain("only time");
  });

  it("is on when the app's code is confirmed, and not before", async () => {
    const made = JSON.parse((await run(["mfa", "enroll", "--json"])).stdout) as {
      otpauth_url: string;
      recovery_codes: string[];
    };
    recoveryCodes = made.recovery_codes;
    expect(await run(["mfa", "confirm"])).toMatchObject({ code: 2 });
    expect(await run(["mfa", "confirm"], "0000\n")).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("this code is wrong, or has been used") as string,
    });
    const code = authenticatorOf(made.otpauth_url).code(Date.now());
    expect((await run(["mfa", "confirm"], `${code}\n`)).code).toBe(0);
    expect(JSON.parse((await run(["mfa", "status", "--json"])).stdout)).toEqual({ enrolled: true });
    expect((await run(["mfa", "enroll"])).stderr).toContain("try: `rexec mfa disable`");
  });
});

describe("an agent behind it", () => {
  it("is locked, and says what opens it", async () => {
    expect(await run(["agents", "lock", "locked"])).toMatchObject({ code: 0, stdout: "", stderr: "locked locked\n" });
    const hint =
      "rexec: mfa verification required\n" +
      "  try: `rexec mfa verify AGENT` opens a locked agent to you for a while, `rexec agents unlock AGENT` for good\n";
    expect(await run(["attach", "locked"])).toMatchObject({ code: 255, stderr: hint });
    const token = ["token", "create", "box", "--scope", "agent", "--agent", agentId];
    expect(await run(token)).toMatchObject({ code: 5, stderr: hint });
  });

  it("is opened to one login for a while", async () => {
    const opened = await run(["mfa", "verify", "locked"], recoveryCodes.pop());
    expect(opened).toMatchObject({ code: 0, stderr: "locked is open to this login for 15m\n" });
    const state = JSON.parse((await run(["mfa", "status", "locked", "--json"])).stdout) as object;
    expect(state).toMatchObject({ locked: true, granted_until: expect.stringMatching(/^\d{4}-/) as string });
  });

  it("is unlocked by a code that is typed unseen", async () => {
    const code = recoveryCodes.pop() ?? "";
    const pty = home.pty(`REXEC_TOKEN=${server.adminToken} $REXEC agents unlock ${agentId} ${where.join(" ")}`);
    await pty.seen(/Code: /);
    pty.type(`${code}\r`);
    await pty.seen(/unlocked [0-9a-f-]{36}/);
    expect(pty.output).not.toContain(code);
    expect((await run(["mfa", "status", "locked"])).stdout).toMatch(/\nAGENT +not locked\n/);
  });

  it("has nothing to be locked behind when it is off", async () => {
    expect((await run(["mfa", "disable"], recoveryCodes.pop())).code).toBe(0);
    expect((await run(["mfa"])).stdout).toMatch(/^SECOND FACTOR +off\n/);
  });
});
