// The agent as a service: what is written, what systemd says to it, what its manager is told, and what is left behind.

import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { anUnknownToken } from "../support/identities.ts";
import { CliHome } from "../support/cli.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestServer } from "../support/test-server.ts";
import { verifyUnit } from "../support/systemd-analyze.ts";

const TOKEN = anUnknownToken();
const AGENT = {
  server: "http://127.0.0.1:1",
  agent_id: "11111111-2222-4333-8444-555555555555",
  name: "box",
  token: TOKEN,
};

let home: CliHome;
let unit: string;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  home = await CliHome.make();
  unit = join(home.dir, ".config/systemd/user/rexec-agent.service");
  const bin = join(home.dir, "bin");
  await mkdir(bin);
  // What it is told, one call a line; "fail" in its way makes it fail.
  const systemctl = `#!/bin/sh
echo "$@" >> '${home.dir}/told'
case "$*" in
  *is-enabled*) echo enabled ;;
  *is-active*) echo active ;;
  *) [ ! -e '${home.dir}/fail' ] || { echo 'Failed to connect to bus' >&2; exit 1; } ;;
esac
`;
  await writeFile(join(bin, "systemctl"), systemctl);
  await chmod(join(bin, "systemctl"), 0o755);
  env = { PATH: `${bin}:${process.env["PATH"]}` };
});
afterEach(() => home.close());

const run = (...args: string[]) => home.run(["agent", ...args], { env });
const told = async () => (await readFile(join(home.dir, "told"), "utf8").catch(() => "")).split("\n").filter(Boolean);
const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

async function enroll(): Promise<void> {
  await mkdir(home.configDir, { recursive: true });
  await writeFile(join(home.configDir, "agent.json"), JSON.stringify(AGENT), { mode: 0o600 });
}

describe("a unit", () => {
  it.each(["user", "system"] as const)(
    "of the %s is what systemd takes",
    async (scope) => {
      const { code, stdout } = await run("install", `--${scope}`, "--dry-run");
      expect(code).toBe(0);
      const file = join(home.dir, "rexec-agent.service");
      await writeFile(file, stdout);
      expect(verifyUnit(file, scope, home.dir)).toEqual([]);
      // It is a check at all.
      await writeFile(file, stdout.replace("Type=exec", "Type=nonsense"));
      expect(verifyUnit(file, scope, home.dir)).not.toEqual([]);
      expect(await told()).toEqual([]);
      // Debian's package may have to be fetched first.
    },
    180_000,
  );
});

describe("install", () => {
  it("hands on what the agent's files are bounded by, and where its configuration is", async () => {
    const started = home.start(["agent", "install", "--user", "--dry-run"], { REXEC_FILE_ROOTS: "/srv:/var/tmp" });
    expect(await started.exited).toBe(0);
    expect(started.stdout).toContain('Environment="REXEC_FILE_ROOTS=/srv:/var/tmp"\n');
    expect(started.stdout).toContain('Environment="REXEC_CONFIG=');
    expect((await run("install", "--user", "--dry-run")).stdout).not.toContain("REXEC_FILE_ROOTS");
  });

  it("writes the unit, enables and starts it; the token stays where it is", async () => {
    await enroll();
    expect(await run("install", "--user")).toMatchObject({ code: 0, stdout: `${unit}\n` });
    expect(await told()).toEqual([
      "--user daemon-reload",
      "--user enable rexec-agent.service",
      "--user restart rexec-agent.service",
    ]);
    const text = await readFile(unit, "utf8");
    expect(text).not.toContain(TOKEN);
    expect(text).toContain(`Environment="REXEC_CONFIG=${join(home.configDir, "config.yaml")}"`);
    expect((await stat(join(home.configDir, "agent.json"))).mode & 0o777).toBe(0o600);
  });

  it("starts nothing with --no-start", async () => {
    await enroll();
    expect(await run("install", "--user", "--no-start")).toMatchObject({ code: 0 });
    expect(await told()).toEqual(["--user daemon-reload", "--user enable rexec-agent.service"]);
  });

  it("refuses on a machine that is not enrolled", async () => {
    const { code, stderr } = await run("install", "--user");
    expect(stderr).toContain("rexec agent enroll");
    expect(code).toBe(2);
    expect(await exists(unit)).toBe(false);
  });

  it("leaves nothing behind where the manager refuses", async () => {
    await enroll();
    await writeFile(join(home.dir, "fail"), "");
    const { code, stderr } = await run("install", "--user");
    expect(stderr).toContain("why: Failed to connect to bus");
    expect(code).toBe(7);
    expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(3);
    expect(await exists(unit)).toBe(false);
  });

  it("overwrites no unit of somebody else's, and uninstall removes none", async () => {
    await enroll();
    await mkdir(join(unit, ".."), { recursive: true });
    await writeFile(unit, "[Service]\nExecStart=/bin/true\n");
    for (const command of ["install", "uninstall", "status"]) {
      const { code, stderr } = await run(command, "--user");
      expect(stderr).toContain("not written by");
      expect(code).toBe(2);
    }
    expect(await readFile(unit, "utf8")).toBe("[Service]\nExecStart=/bin/true\n");
    expect(await told()).toEqual([]);
  });
});

describe("status", () => {
  it("says what is there, for people and for programs", async () => {
    const none = await run("status", "--user", "--json");
    expect(JSON.parse(none.stdout)).toMatchObject({ enrolled: null, service: { installed: false }, connected: null });
    await enroll();
    await run("install", "--user");
    const { stdout } = await run("status", "--user", "--json");
    expect(JSON.parse(stdout)).toEqual({
      enrolled: { id: AGENT.agent_id, name: "box", server: AGENT.server },
      service: { kind: "systemd", scope: "user", file: unit, installed: true, enabled: true, running: true },
      connected: null,
    });
    expect((await run("status", "--user")).stdout).toBe(
      `enrolled   box (${AGENT.agent_id}) at ${AGENT.server}
service    ${unit}, enabled, running
connected  not known: nobody is logged in here
`,
    );
  });
});

it("status asks the server whether the agent is connected, where somebody is logged in", async () => {
  const server = await startTestServer();
  try {
    const { agentId, token } = await server.registerAgent("box");
    await mkdir(home.configDir, { recursive: true });
    const stored = { server: server.httpUrl, agent_id: agentId, name: "box", token };
    await writeFile(join(home.configDir, "agent.json"), JSON.stringify(stored), { mode: 0o600 });
    const status = async (): Promise<unknown> => {
      const at = ["--server", server.httpUrl, "--grpc", server.grpcAddress, "--json"];
      const { stdout } = await home.run(["agent", "status", "--user", ...at], {
        env: { ...env, REXEC_TOKEN: server.adminToken },
      });
      return (JSON.parse(stdout) as { connected: unknown }).connected;
    };
    expect(await status()).toBe(false);
    const agent = await startTestAgent({ wsUrl: server.wsUrl, agentId, token });
    expect(await status()).toBe(true);
    await agent.stop("test over");
  } finally {
    await server.close();
  }
});

describe("uninstall", () => {
  it("removes what install has made, and nothing else", async () => {
    await enroll();
    const before = await readdir(home.configDir);
    await run("install", "--user");
    expect(await run("uninstall", "--user")).toMatchObject({ code: 0, stdout: `${unit}\n` });
    expect((await told()).slice(-2)).toEqual(["--user disable --now rexec-agent.service", "--user daemon-reload"]);
    expect(await exists(unit)).toBe(false);
    expect(await readdir(home.configDir)).toEqual(before);
  });

  it("has nothing to do where nothing is installed", async () => {
    expect(await run("uninstall", "--user")).toMatchObject({ code: 0, stdout: "" });
    expect(await told()).toEqual([]);
  });
});
