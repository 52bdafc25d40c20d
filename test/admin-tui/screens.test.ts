// Every screen of `rexec admin` in a real terminal, on three instances with two hundred agents: what it shows, and where
// the keys lead.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Agent, AgentServiceService } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { User, UserServiceService } from "../../src/gen/rexec/user/v1/user_service.ts";
import { AGENTS, type AdminCluster, startAdminCluster } from "../support/admin-cluster.ts";
import { type AdminTui, ENTER, ERASE_LINE, openAdminTui, SIZES, TAB } from "../support/admin-tui.ts";
import { openShellViewer, printed, type ShellViewer } from "../support/shell-viewer.ts";

let cluster: AdminCluster;
let viewer: ShellViewer;

beforeAll(async () => {
  cluster = await startAdminCluster();
  const { server } = cluster;
  // A viewer on another instance than its agent's, which is the third.
  viewer = openShellViewer({ wsUrl: server.wsUrl, token: server.adminToken, agentId: cluster.agentId("box-3") });
  await viewer.opened();
  viewer.type("echo $((6*7))\r");
  await viewer.shows(printed("42"));
  const user = User.fromPartial({ email: "bob@example.org", username: "bob", plan: "free" });
  await cluster.api.call(UserServiceService.createUser, { user, requestId: "" });
});

afterAll(async () => {
  viewer?.terminal.close();
  await cluster?.close();
});

describe.each(SIZES)("at $name", ({ name: sizeName, size }) => {
  let tui: AdminTui;
  const isLarge = size.cols > 100;
  const lastAgent = `node-${AGENTS - 3}`;

  async function open(): Promise<void> {
    tui?.kill();
    const { server, directory } = cluster;
    tui = await openAdminTui({ server, token: server.adminToken, directory, size });
  }

  beforeAll(open);
  afterAll(() => tui?.kill());
  // What a failed test leaves on the screen is not the next one's.
  afterEach(({ task }) => (task.result?.state === "fail" ? open() : undefined));

  /** A screen by its number, and nothing over it. */
  async function goTo(key: string, shown: RegExp): Promise<void> {
    tui.type(key);
    await tui.shows(shown);
  }

  it("shows the agents, and moves in them", async () => {
    await goTo("1", /\[1 Agents 200\]/);
    expect(tui.text()).toMatch(/admin\(admin\) .* LIVE \d+s +rows 200/);
    expect(tui.text()).toMatch(/S +NAME▲ +USER +PLATFORM +CPU +TREND +MEM +SES +SEEN +INST/);
    expect(tui.rows(/^> \+ +box-1 /)).toHaveLength(1);
    expect(tui.text()).toMatch(/ 5 Instances 3 /);
    tui.type("jj");
    await tui.shows(/^> \+ +box-3 +admin/m);
    tui.type("G");
    await tui.shows(new RegExp(`^> \\+ +${lastAgent} `, "m"));
    tui.type("\x1b[5~"); // Page up: the row that was the first but one is the cursor's.
    await tui.hides(new RegExp(`^> \\+ +${lastAgent} `, "m"));
    tui.type("g");
    await tui.shows(/^> \+ +box-1 /m);
    tui.type("\x1b[B"); // Down.
    await tui.shows(/^> \+ +box-2 /m);
    tui.type("k");
    await tui.shows(/^> \+ +box-1 /m);
    if (!isLarge) return;
    // The right half follows the cursor, and the last lines the events.
    await tui.shows(/│ \+ box-1 online .* owner admin/);
    await tui.shows(/│ system +\S.* CPUs/);
    await tui.shows(/^ events ──.*\n(?:.*\n){0,8}?.* (?:agent|session|user)\.\w+ /m);
  });

  it("shows the details of an agent, and comes back to its row", async () => {
    await tui.filter("box-3");
    tui.type(ENTER);
    await tui.shows(/\+ box-3 online \d+[smh] +on instance-3 +owner admin/);
    await tui.shows(/^ system +\S.* · \d+ CPUs? · .* RAM · .* disk/m);
    await tui.shows(/^ access +MFA unlocked · (?:root|sudo|no root) · shell \S+ · version \S+/m);
    await tui.shows(new RegExp(`^ id +${cluster.agentId("box-3")}`, "m"));
    await tui.shows(/CPU +\d+% +.*MEM +\d+% +.*DISK +\d+%/);
    await tui.shows(/ sessions 1 +out /);
    await tui.shows(/^> +main +main +1 /m);
    await tui.leave(/^ access /m);
    await tui.shows(/^> \+ +box-3 /m);
    await tui.leave(/\/box-3/);
  });

  it("shows the sessions, and the way from a viewer to its agent", async () => {
    await goTo("2", /\[2 Sessions 1\]/);
    await tui.shows(/SESSION +AGENT▲ +KIND +OWNER +VIEW +IN\/S +OUT\/S +AGE +IDLE +INST/);
    await tui.shows(/^> +main +box-3 +main +admin +1 .*[…n]ce-\d/m);
    if (isLarge) await tui.shows(/│ \+ box-3 online/);
    tui.type(ENTER);
    await tui.shows(/^ \+ box-3 online /m);
    await tui.leave(/^ access /m);
    await tui.shows(/\[2 Sessions 1\]/);
  });

  it("shows who has how much of what they may have", async () => {
    await goTo("3", /\[3 Limits 2\]/);
    await tui.shows(/USER▲ +PLAN +AGENTS REGISTERED +AGENTS IN USE +NOTE/);
    await tui.shows(/admin +enterprise +200 of any +1 of any +admin/);
    await tui.shows(/bob +free .* 0\/5 .* 0\/5/);
  });

  it("shows what happens as it happens, and stops for who reads", async () => {
    const describe = (description: string) => {
      const agent = Agent.fromPartial({ id: cluster.agentId("node-001"), description });
      return cluster.api.call(AgentServiceService.updateAgent, { agent, updateMask: ["description"] });
    };
    await goTo("4", /\[4 Events\]/);
    await tui.filter("type:agent.updated", sizeName === SIZES[0].name ? 0 : 2);
    const shown = () => tui.rows(/ agent\.updated +agent:node-001 +user:admin/).length;
    const shownAtFirst = shown();
    await describe(`${sizeName}, first`);
    await expect.poll(shown).toBe(shownAtFirst + 1);
    const known = () => Number(/ rows (\d+) /.exec(tui.text())?.[1]);
    const before = { shown: shown(), known: known() };
    tui.type("p");
    await tui.shows(/PAUSED/);
    await describe(`${sizeName}, second`);
    // It is known, and not shown yet.
    await expect.poll(known).toBeGreaterThan(before.known);
    expect(shown()).toBe(before.shown);
    tui.type("p");
    await tui.hides(/PAUSED/);
    await expect.poll(shown).toBe(before.shown + 1);
    await tui.leave(/type:agent/);
  });

  it("shows the instances", async () => {
    await goTo("5", /\[5 Instances 3\]/);
    await tui.shows(/HEALTH +INSTANCE▲ +VERSION +UP +AGENTS +SESS +BUS LAG +LOOP P99 +BEAT/);
    for (const id of [1, 2, 3]) await tui.shows(new RegExp(`\\+ up +instance-${id} +\\d\\S+ +\\d+[smh] +6\\d +\\d `));
  });

  it("shows the tokens, and steps from screen to screen", async () => {
    await goTo("6", /\[6 Tokens 201\]/);
    await tui.shows(/NAME▲ +TOKEN +SCOPES +OWNER +AGE +USED +STATE/);
    await tui.shows(/^> +agent-box-1 +rexec_\w{6} +agent box-1 +admin .* valid/m);
    tui.type(TAB);
    await tui.shows(/\[1 Agents/);
    tui.type("\x1b[Z");
    await tui.shows(/\[6 Tokens/);
    tui.type("\x1b[Z");
    await tui.shows(/\[5 Instances/);
  });

  it("helps: the keys of the screen, and those of all", async () => {
    await goTo("1", /\[1 Agents/);
    tui.type("?");
    await tui.shows(/─ Keys ─/);
    await tui.shows(/On this screen/);
    await tui.shows(/ j Down Ctrl\+N +next row/);
    tui.type(" ".repeat(4));
    await tui.shows(/\+ online +~ stale +- offline/);
    tui.type("x");
    await tui.hides(/─ Keys ─/);
  });

  it("finds a command by its name", async () => {
    tui.type(":");
    await tui.shows(/─ Commands ─/);
    tui.type("inst");
    await tui.shows(/│ > instances +5 +the server processes/);
    tui.type(ENTER);
    await tui.shows(/\[5 Instances 3\]/);
    await goTo("1", /\[1 Agents/);
    tui.type("x");
    await tui.shows(/─ Actions ─/);
    for (const action of ["open", "shell", "rename", "delete", "copy-id"])
      await tui.shows(new RegExp(`│ [ >] ${action} +\\S+ `));
    await tui.leave(/─ Actions ─/);
  });

  it("filters by words and by fields, and says where nothing matches", async () => {
    await tui.filter("node-01", 10);
    expect(tui.rows(/ node-01\d /)).toHaveLength(10);
    expect(tui.text()).toMatch(/\/node-01 .* 10\/200/);
    await tui.leave(/\/node-01/);
    await tui.filter("status:online -node", 3);
    expect(tui.rows(/ box-[123] /)).toHaveLength(3);
    await tui.leave(/status:online/);
    await tui.filter("qqq", 0);
    await tui.shows(/nothing matches qqq/);
    // Letters that are commands elsewhere are text here: q has not left.
    await tui.leave(/\/qqq/);
    await tui.shows(/^> \+ +box-/m);
  });

  it("sorts by the next column, and the other way round", async () => {
    await tui.shows(/sort name \^/);
    tui.type("gO");
    await tui.shows(/sort name v/);
    // The cursor stays on its agent, wherever that is now.
    await tui.shows(/^  \+ +box-3 .*\n  \+ +box-2 .*\n> \+ +box-1 /m);
    tui.type("g");
    await tui.shows(new RegExp(`^> \\+ +${lastAgent} `, "m"));
    tui.type("Og");
    await tui.shows(/sort name \^/);
    tui.type("o");
    await tui.shows(/sort status \^/);
    tui.type("ooooooo");
    await tui.shows(/sort inst \^/);
    tui.type("oo");
    await tui.shows(/sort name \^/);
  });

  it("marks rows, all of them, and none", async () => {
    tui.type("g  ");
    await tui.shows(/marked 2/);
    expect(tui.rows(/^.\*\+ +box-[12] /)).toHaveLength(2);
    tui.type("*");
    await tui.shows(/marked 200/);
    tui.type("-");
    await tui.hides(/marked/);
    tui.type(" ");
    await tui.shows(/marked 1/);
    await tui.leave(/marked/);
  });

  it("copies an id into the terminal's clipboard", async () => {
    await tui.filter("box-2");
    tui.type("y");
    const id = cluster.agentId("box-2");
    await tui.shows(new RegExp(`ok: copied ${id}`));
    expect(tui.output()).toContain(`\x1b]52;c;${Buffer.from(id).toString("base64")}\x07`);
    await tui.leave(/\/box-2/);
  });

  it("writes what it shows into a CSV file and a JSON file", async () => {
    await tui.filter("box", 3);
    for (const extension of ["csv", "json"]) {
      const file = `agents-${sizeName}.${extension}`;
      tui.type("e");
      await tui.shows(/─ Export 3 rows ─/);
      tui.type(`${ERASE_LINE}${file}`);
      await tui.shows(new RegExp(`> file +${file}`));
      tui.type(ENTER);
      await tui.shows(new RegExp(`ok: wrote ${file}`));
    }
    const csv = (await readFile(join(cluster.directory, `agents-${sizeName}.csv`), "utf8")).split("\r\n");
    expect(csv[0]).toMatch(/^id,state,name,status,user,platform,cpu,/);
    expect(csv.slice(1, 4).map((row) => row.split(",").slice(0, 4))).toEqual(
      [1, 2, 3].map((n) => [cluster.agentId(`box-${n}`), "online", `box-${n}`, "online"]),
    );
    const json: unknown = JSON.parse(await readFile(join(cluster.directory, `agents-${sizeName}.json`), "utf8"));
    expect(json).toMatchObject(
      [1, 2, 3].map((n) => ({ id: cluster.agentId(`box-${n}`), name: `box-${n}`, status: "online", user: "admin" })),
    );
    await tui.leave(/\/box/);
  });

  it("asks for a larger window where it is too small, and draws the whole screen when it is one again", async () => {
    tui.resize({ cols: 59, rows: 24 });
    await tui.shows(/rexec needs a window of 60x12; q quits/);
    tui.resize({ cols: 70, rows: 20 });
    await tui.shows(/^ {2}\+ +box-1 /m);
    expect(tui.text()).not.toMatch(/TREND/);
    tui.resize({ cols: 120, rows: 30 });
    await tui.shows(/ TREND +MEM .*INST/);
    tui.resize(size);
    await tui.shows(/\[1 Agents 200\]/);
  });
});
