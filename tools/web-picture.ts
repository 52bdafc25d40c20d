// `node tools/web-picture.ts`: takes docs/images/web-terminal.png, the page in a real browser before a real server, with
// agents in every state and three terminals on one of them.

import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FleetAgent } from "../bench/fleet/fleet-agent.ts";
import { startTestAgent } from "../test/support/test-agent.ts";
import { startTestServer } from "../test/support/test-server.ts";
import { closeBrowser, openPage } from "../test/web/page-under-test.ts";

const PICTURE = join(resolve(import.meta.dirname, ".."), "docs/images/web-terminal.png");
const FLEET = ["backup-eu", "ci-runner-1", "ci-runner-2", "edge-fra-7", "edge-nyc-2", "prod-api-2", "prod-db-1"];
const OFFLINE = ["edge-sgp-4", "lab-arm-3"];
/** A shell is there, and has drawn what it was asked for. */
const PAUSE_MS = 1_500;

const server = await startTestServer();
const fleet: FleetAgent[] = [];
for (const name of FLEET) {
  const identity = { server: server.wsUrl, ...(await server.registerAgent(name)) };
  const agent = new FleetAgent(identity, { isWelcomed: true });
  await agent.dial();
  fleet.push(agent);
}
for (const name of OFFLINE) await server.registerAgent(name);
const shells = await startTestAgent({ wsUrl: server.wsUrl, ...(await server.registerAgent("prod-api-1")) });

const under = await openPage(server.httpUrl, { colorScheme: "dark" });
const { page } = under;
const type = async (...lines: string[]) => {
  await sleep(PAUSE_MS);
  for (const line of ["PS1='prod-api-1:~$ '", "clear", ...lines]) await page.keyboard.type(`${line}\n`);
  await sleep(PAUSE_MS);
};
await under.logIn(server.adminToken);
await under.agent("prod-api-1").locator(".agent-open").click();
await type("cd /usr; ls -l --color=always", "uptime");
await page.keyboard.press("Alt+Shift+Equal");
await type("df -h / /tmp");
await page.keyboard.press("Alt+Shift+Minus");
await type("for n in 1 2 3 4 5 6; do printf '\\033[4%dm  %d  \\033[0m' $n $n; done; echo", "exit 3");
await page.locator(".pane-end").waitFor();
await mkdir(dirname(PICTURE), { recursive: true });
await page.screenshot({ path: PICTURE });

await under.close();
await closeBrowser();
await shells.stop("the picture is taken");
for (const agent of fleet) agent.cut();
await server.close();
