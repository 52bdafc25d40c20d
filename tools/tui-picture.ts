// `node tools/tui-picture.ts`: draws docs/images/admin-tui.svg, the admin TUI on a real cluster of two instances with
// agents that report a load. What is in the picture is what the program has sent to its terminal.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { spawn } from "@lydell/node-pty";
import xterm from "@xterm/headless";
import { FleetAgent } from "../bench/fleet/fleet-agent.ts";
import { startRexecServer } from "../bench/subjects/rexec-server.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { startRedis } from "../test/support/redis.ts";
import { startTestAgent } from "../test/support/test-agent.ts";
import { registerOver } from "../test/support/test-server.ts";
import { svgOf } from "./terminal-svg.ts";

const ROOT = resolve(import.meta.dirname, "..");
const PICTURE = join(ROOT, "docs/images/admin-tui.svg");
const SIZE = { cols: 160, rows: 41 };
const NAMES = [
  "prod-api-1",
  "prod-api-2",
  "prod-db-1",
  "edge-fra-7",
  "edge-nyc-2",
  "edge-sgp-4",
  "ci-runner-1",
  "ci-runner-2",
  "lab-arm-3",
  "backup-eu",
];
/** Reports of each agent until the plots have a shape. */
const REPORTS = 22;
/** The TUI asks for one in this time. */
const REPORT_INTERVAL_MS = 5_000;

const directory = await mkdtemp(join(tmpdir(), "rexec-picture-"));
const postgres = await startPostgres();
const redis = await startRedis();
const settings = {
  REXEC_DATABASE_URL: await postgres.createDatabase(),
  REXEC_REDIS_URL: redis.url,
  REXEC_PEER_PORT: "0",
};
const startInstance = async (name: string) => {
  const own = join(directory, name);
  await mkdir(own);
  return startRexecServer({ directory: own, nodeFlags: [], settings: { ...settings, REXEC_INSTANCE_ID: name } });
};
const first = await startInstance("i-1");
const second = await startInstance("i-2");
const fleet: FleetAgent[] = [];
for (const [i, name] of NAMES.entries()) {
  const { agentId, token } = await registerOver(first.grpcAddress, first.token, name);
  const agent = new FleetAgent({ server: (i % 2 === 0 ? first : second).wsUrl, agentId, token }, { isWelcomed: true });
  await agent.dial();
  fleet.push(agent);
}
const shells = await startTestAgent({
  wsUrl: second.wsUrl,
  ...(await registerOver(first.grpcAddress, first.token, "bastion")),
});

const terminal = new xterm.Terminal({ ...SIZE, allowProposedApi: true });
const env = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", TERM: "xterm-256color", REXEC_TOKEN: first.token, ...first.home };
const command = [first.bin, "--server", first.httpUrl, "--grpc", first.grpcAddress, "admin"];
const pty = spawn(process.execPath, command, { env, cwd: directory, name: "xterm-256color", ...SIZE });
pty.onData((text) => terminal.write(text));
await sleep(4_000);
for (let n = 0; n < REPORTS; n++) {
  for (const agent of fleet) agent.report();
  await sleep(REPORT_INTERVAL_MS);
}
// The second row is the agent that has shells; Ctrl+] comes back.
for (const keys of ["j", "s", "ls -l /usr\r", "\x1d"]) {
  pty.write(keys);
  await sleep(2_500);
}
await sleep(REPORT_INTERVAL_MS);
await new Promise<void>((done) => terminal.write("", done));
await mkdir(dirname(PICTURE), { recursive: true });
await writeFile(PICTURE, svgOf(terminal));
pty.kill();
await shells.stop("the picture is taken");
for (const agent of fleet) agent.cut();
await second.stop();
await first.stop();
await redis.stop();
await postgres.stop();
await rm(directory, { recursive: true, force: true });
