// What an operator does to agents and their shells by keys, on three instances with two hundred agents; each is looked
// for at the server.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AgentServiceService, AgentStatus } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { type AdminCluster, startAdminCluster } from "../support/admin-cluster.ts";
import {
  type AdminTui,
  DETACH,
  ENTER,
  ERASE_LINE,
  openAdminTui,
  printedLine,
  SIZES,
  TAB,
} from "../support/admin-tui.ts";
import { openShellViewer, printed } from "../support/shell-viewer.ts";

let cluster: AdminCluster;

beforeAll(async () => {
  cluster = await startAdminCluster();
});

afterAll(() => cluster?.close());

// Each size has agents of its own to act on.
const CASES = SIZES.map((size, i) => ({ ...size, box: `box-${i + 1}`, node: (n: number) => `node-1${i + 1}${n}` }));

describe.each(CASES)("at $name", ({ size, name: sizeName, box, node }) => {
  let tui: AdminTui;

  async function open(): Promise<void> {
    tui?.kill();
    const { server, directory } = cluster;
    tui = await openAdminTui({ server, token: server.adminToken, directory, size });
  }

  beforeAll(open);
  afterAll(() => tui?.kill());
  // What a failed test leaves on the screen is not the next one's.
  afterEach(({ task }) => (task.result?.state === "fail" ? open() : undefined));

  const isGone = async (name: string) => {
    const request = { agentId: cluster.agentId(name) };
    const failure = await cluster.api.call(AgentServiceService.getAgent, request).catch((error: unknown) => error);
    return failure instanceof Error && "reason" in failure && failure.reason === "AGENT_NOT_FOUND";
  };

  it("opens the shared shell, and comes back to the list", async () => {
    await tui.filter(box);
    tui.type("s");
    await tui.hides(/\[1 Agents/);
    tui.type(`echo $((6*7)) in ${sizeName}\r`);
    await tui.shows(printedLine(`42 in ${sizeName}`));
    tui.type("stty size\r");
    await tui.shows(printedLine(`${size.rows} ${size.cols}`));
    tui.type(DETACH);
    await tui.shows(new RegExp(`left ${box}; its shell goes on`));
    await tui.shows(new RegExp(`^> \\+ +${box} `, "m"));
    await expect.poll(() => cluster.sessionsOf(box)).toMatchObject([{ id: "main", viewers: [] }]);
    // As it was left.
    tui.type("s");
    await tui.shows(printedLine(`42 in ${sizeName}`));
    tui.type(DETACH);
    await tui.shows(new RegExp(`^> \\+ +${box} `, "m"));
    await tui.leave(new RegExp(`/${box}`));
  });

  it("opens a shell of one's own, which ends with its exit", async () => {
    await tui.filter(box);
    tui.type("S");
    await tui.hides(/\[1 Agents/);
    tui.type("echo own-$((1+1))\r");
    await tui.shows(printedLine("own-2"));
    const kinds = new Set((await cluster.sessionsOf(box)).map(({ id }) => id.split("-")[0]));
    expect(kinds).toEqual(new Set(["main", "split"]));
    tui.type("exit 3\r");
    await tui.shows(new RegExp(`the shell on ${box} has ended: exit(?:ed| 3)`));
    await tui.shows(/\[1 Agents/);
    await expect.poll(async () => (await cluster.sessionsOf(box)).length).toBe(1);
    await tui.leave(new RegExp(`/${box}`));
  });

  it("watches without a key of its own arriving", async () => {
    const { server } = cluster;
    const owner = openShellViewer({ wsUrl: server.wsUrl, token: server.adminToken, agentId: cluster.agentId(box) });
    await owner.opened();
    await tui.filter(box);
    tui.type("w");
    await expect
      .poll(async () => (await cluster.sessionsOf(box))[0]?.viewers.map(({ readOnly }) => readOnly).toSorted())
      .toEqual([false, true]);
    await tui.shows(printedLine(`42 in ${sizeName}`));
    tui.type("echo intruder-$((1+1))\r");
    await tui.shows(/read-only: what you type is not sent; Ctrl\+] leaves/);
    owner.type("echo owner-$((2+2))\r");
    await tui.shows(printedLine("owner-4"));
    tui.type(DETACH);
    await tui.shows(/\[1 Agents/);
    owner.type("echo end-$((3+3))\r");
    await owner.shows(printed("end-6"));
    expect(owner.text()).not.toContain("intruder");
    // To the byte what was typed into it before, and by its owner.
    const before = `echo $((6*7)) in ${sizeName}\rstty size\r`;
    const typed = `${before}echo owner-$((2+2))\recho end-$((3+3))\r`.length;
    await expect.poll(async () => (await cluster.sessionsOf(box))[0]?.inputBytes).toBe(typed);
    owner.terminal.close();
    await tui.leave(new RegExp(`/${box}`));
  });

  it("terminates a session once it is told to, and not before", async () => {
    tui.type("2");
    await tui.shows(/\[2 Sessions/);
    await tui.filter(box);
    tui.type("t");
    await tui.shows(new RegExp(`─ Terminate main on ${box}\\? ─`));
    await tui.shows(/>\[ Cancel \]/);
    tui.type(ENTER);
    await tui.hides(/─ Terminate/);
    expect(await cluster.sessionsOf(box)).toHaveLength(1);
    tui.type("t");
    await tui.shows(/─ Terminate/);
    tui.type(TAB);
    await tui.shows(/>\[ Terminate \]/);
    tui.type(ENTER);
    await tui.shows(new RegExp(`ok: terminated main on ${box}`));
    await expect.poll(() => cluster.sessionsOf(box)).toEqual([]);
    await tui.shows(/no sessions|nothing matches/);
    await tui.leave(new RegExp(`/${box}`));
    tui.type("1");
    await tui.shows(/\[1 Agents/);
  });

  it("disconnects an agent, which dials in again", async () => {
    const name = node(1);
    const before = (await cluster.agent(name)).connectedAt?.getTime() ?? 0;
    await tui.filter(name);
    tui.type("d");
    await tui.shows(new RegExp(`─ Disconnect ${name}\\? ─`));
    await tui.shows(/It is online\./);
    tui.type(name);
    await tui.shows(/>\[ Disconnect \]/);
    tui.type(ENTER);
    await tui.shows(new RegExp(`ok: disconnected ${name}`));
    const isBack = async () => {
      const { connectedAt, status } = await cluster.agent(name);
      return (connectedAt?.getTime() ?? 0) > before && status === AgentStatus.AGENT_STATUS_ONLINE;
    };
    await expect.poll(isBack).toBe(true);
    await tui.shows(new RegExp(`^> \\+ +${name} `, "m"));
    await tui.leave(new RegExp(`/${name}`));
  });

  it("renames an agent, and shows why a name can't be had", async () => {
    const name = node(2);
    await tui.filter(name);
    const rename = async (to: string) => {
      tui.type("r");
      await tui.shows(new RegExp(`─ Rename ${name} ─`));
      tui.type(`${ERASE_LINE}${to}`);
      await tui.shows(new RegExp(`> name +${to} `));
      tui.type(ENTER);
    };
    await rename("box-3");
    await tui.shows(/! renaming: an agent with this name exists already/);
    expect((await cluster.agent(name)).name).toBe(name);
    await rename(`${name}-new`);
    await tui.shows(new RegExp(`ok: renamed to ${name}-new`));
    await tui.shows(new RegExp(`^> \\+ +${name}-new`, "m"));
    expect((await cluster.agent(name)).name).toBe(`${name}-new`);
    await tui.leave(new RegExp(`/${name} `));
  });

  it("deletes an agent whose name has been typed", async () => {
    const name = node(3);
    await tui.filter(name);
    tui.type("D");
    await tui.shows(new RegExp(`─ Delete ${name}\\? ─`));
    await tui.shows(new RegExp(`Type ${name} to go on`));
    tui.type(`node${TAB}${ENTER}`);
    await tui.shows(/>\[ Delete \]/);
    expect(await isGone(name)).toBe(false);
    tui.type(`${ERASE_LINE}${name}`);
    await tui.shows(new RegExp(`> ${name} `));
    tui.type(ENTER);
    await tui.shows(new RegExp(`ok: deleted ${name}`));
    await expect.poll(() => isGone(name)).toBe(true);
    await tui.shows(new RegExp(`nothing matches ${name}`));
    await tui.leave(new RegExp(`/${name}`));
  });

  it("deletes several agents once their number has been typed", async () => {
    const names = [4, 5, 6].map(node);
    for (const name of names) {
      await tui.filter(name);
      tui.type(" ");
      await tui.shows(new RegExp(`^>\\*\\+ +${name} `, "m"));
      // Marks stay while the filter goes: Escape would drop them first.
      tui.type(`/${ERASE_LINE}${ENTER}`);
      await tui.hides(new RegExp(`/${name}`));
    }
    await tui.shows(/marked 3/);
    tui.type("D");
    await tui.shows(/─ Delete 3 agents\? ─/);
    await tui.shows(/3 of them are connected/);
    tui.type("3");
    await tui.shows(/>\[ Delete \]/);
    tui.type(ENTER);
    await tui.shows(/ok: deleted 3 agents/);
    for (const name of names) await expect.poll(() => isGone(name)).toBe(true);
    expect(await isGone(node(7))).toBe(false);
    await tui.hides(/marked/);
  });
});
