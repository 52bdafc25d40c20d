// `rexec exec --filter` on a hundred agents at once, one of which hangs.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AdminCluster, startAdminCluster } from "../support/admin-cluster.ts";
import { CliHome } from "../support/cli.ts";
import { startTestAgent } from "../support/test-agent.ts";

const AGENTS = 100;

let cluster: AdminCluster;
let home: CliHome;
let directory: string;

beforeAll(async () => {
  cluster = await startAdminCluster(AGENTS);
  home = await CliHome.make();
  directory = await mkdtemp(join(tmpdir(), "rexec-many-"));
});
afterAll(async () => {
  await home?.close();
  await cluster?.close();
  await rm(directory, { recursive: true, force: true });
});

function execOn(filter: string, words: readonly string[], flags: readonly string[] = [], token?: string) {
  const { httpUrl, grpcAddress, adminToken } = cluster.server;
  return home.run(["exec", "--server", httpUrl, "--grpc", grpcAddress, "--filter", filter, ...flags, "--", ...words], {
    env: { REXEC_TOKEN: token ?? adminToken },
  });
}

it("runs on all of them, and one that hangs keeps nobody else waiting", async () => {
  // Whoever makes the directory hangs; the others find it there.
  const script = `mkdir ${directory}/first 2>/dev/null && exec sleep 300; echo hello; echo problem >&2`;
  const flags = ["--shell", "--parallel", "100", "--time-limit", "20s"];
  const { code, stdout, stderr } = await execOn("status:online", [script], flags);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(AGENTS - 1);
  expect(new Set(lines).size).toBe(AGENTS - 1);
  expect(lines.every((line) => /^(node-\d{3}|box-\d): hello$/.test(line))).toBe(true);
  expect(stderr).toMatch(/^(node-\d{3}|box-\d): problem$/m);
  expect(stderr).toMatch(
    /^rexec: 99 of 100 ended with 0\n {2}(node-\d{3}|box-\d): the command has reached its time limit\n$/m,
  );
  expect(code).toBe(9);
}, 120_000);

it("tells programs of each, in one array or as each ends", async () => {
  const { code, stdout } = await execOn("name:box-", ["sh", "-c", "echo out; echo err >&2; exit 3"], ["--json"]);
  const all = JSON.parse(stdout) as Record<string, unknown>[];
  expect(all).toHaveLength(3);
  for (const one of all)
    expect(one).toMatchObject({ exit_code: 3, stdout: "out\n", stderr: "err\n", truncated: false });
  expect(new Set(all.map(({ agent }) => agent))).toEqual(new Set(["box-1", "box-2", "box-3"]));
  expect(code).toBe(1);
  const lines = await execOn("name:box-", ["true"], ["-o", "jsonl"]);
  expect(
    lines.stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { exit_code: number }).exit_code),
  ).toEqual([0, 0, 0]);
  expect(lines.code).toBe(0);
});

it("cuts what is too much for JSON, and says so", async () => {
  const { stdout } = await execOn("name:box-1", ["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"], ["--json"]);
  const [one] = JSON.parse(stdout) as { stdout: string; truncated: boolean; exit_code: number }[];
  expect([one?.stdout.length, one?.truncated, one?.exit_code]).toEqual([2 ** 20, true, 0]);
});

it("does within a plan's limit what it can at once, and the rest after that", async () => {
  const bob = await cluster.addUser({ terminals: 2 });
  const { secret } = await cluster.addToken(bob, { scopes: ["write"] });
  const agents = await Promise.all(Array.from({ length: 5 }, () => cluster.addAgent(bob)));
  const { wsUrl } = cluster.server;
  const running = await Promise.all(agents.map((agent) => startTestAgent({ wsUrl, ...agent })));
  const { code, stderr } = await execOn("status:online", ["sleep", "0.2"], ["--parallel", "5"], secret);
  expect(stderr).toBe("rexec: 5 of 5 ended with 0\n");
  expect(code).toBe(0);
  await Promise.all(running.map((agent) => agent.stop("test over")));
}, 60_000);

it("fails where no agent matches", async () => {
  const { code, stderr } = await execOn("name:nobody", ["true"]);
  expect([code, stderr]).toEqual([255, expect.stringContaining("no agent matches name:nobody")]);
});
