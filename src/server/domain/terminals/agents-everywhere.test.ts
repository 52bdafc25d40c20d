// Agents wherever they are held: what is done here, what is asked of the holder, and what counts where nobody answers.
import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import { silentLogger } from "../../../../test/support/silent-logger.ts";
import { RecordingAgentLink, RecordingRoute } from "../../../../test/support/terminal-links.ts";
import type { AgentId, BootId, ConnectionId, InstanceId, SessionId, UserId } from "../../../protocol/ids.ts";
import { MAIN_SESSION } from "../../../protocol/ids.ts";
import type { Agent } from "../agents/agent.ts";
import type { AgentLocation } from "../agents/locations.ts";
import { DomainError } from "../domain-error.ts";
import type { InstanceQuestion } from "../instances/instance-calls.ts";
import { AgentsEverywhere } from "./agents-everywhere.ts";
import { RouteLink } from "./route-link.ts";
import type { LocalSessions, SessionView, ViewerView } from "./sessions.ts";
import { TerminalRouter } from "./terminal-router.ts";

const [HERE, HOLDER, THIRD] = ["here", "holder", "third"] as InstanceId[] as [InstanceId, InstanceId, InstanceId];
const BOOT = "boot-one" as BootId;
const agent = { id: "agent" as AgentId, userId: "owner" as UserId } as Agent;
const main = { stream: 1, sessionId: "main", cols: 80, rows: 24, offset: 0, startedAtMs: 0 };

let router: TerminalRouter;
let everywhere: AgentsEverywhere;
let location: AgentLocation | "unknown" | undefined;
let others: InstanceId[];
let asked: (InstanceQuestion & { to: InstanceId })[];
let answers: Partial<Record<InstanceId, unknown>>;
let drains: number;
beforeEach(() => {
  [location, others, asked, answers, drains] = [undefined, [HOLDER, THIRD], [], {}, 0];
  const events = { publish() {}, subscribe: () => () => {} };
  router = new TerminalRouter({ instanceId: HERE, clock: manualClock(), events });
  everywhere = new AgentsEverywhere({
    instanceId: HERE,
    router,
    locations: {
      async get() {
        if (location === "unknown") throw new DomainError("BACKEND_UNAVAILABLE");
        return location;
      },
    },
    calls: {
      others: () => others,
      async ask(to, question): Promise<never> {
        asked.push({ to, ...question });
        if (!(to in answers)) throw new DomainError("BACKEND_UNAVAILABLE");
        return answers[to] as never;
      },
    },
    log: silentLogger,
    onDrain: () => drains++,
  });
});

function at(instanceId: InstanceId): AgentLocation {
  const connectionId = randomUUID() as ConnectionId;
  return { agentId: agent.id, instanceId, connectionId, bootId: BOOT, protocol: "rexec.v2", epoch: 1 };
}
const hello = { bootId: BOOT, sessions: [main], epoch: 1 };

function holdHere(): RecordingAgentLink {
  const link = new RecordingAgentLink();
  router.agentUp(link, agent, hello);
  location = at(HERE);
  return link;
}
/** Viewers here look at it through a route. */
async function routeTo(instanceId: InstanceId): Promise<RecordingRoute> {
  const route = new RecordingRoute(instanceId);
  const link = new RouteLink(at(instanceId));
  const events = { onFrame() {}, onControl() {}, onEnd() {} };
  const opening = link.open(
    {
      async open(_, given) {
        route.events = given;
        setImmediate(() =>
          route.says({
            $case: "agentHello",
            value: { ...hello, version: "", systemInfo: undefined, sessions: [main] },
          }),
        );
        return route;
      },
    },
    at(instanceId),
    events,
  );
  await opening;
  router.agentUp(link, agent, hello);
  link.start();
  return route;
}

describe("an agent is online", () => {
  it("where this instance has it, though nobody knows where it is", async () => {
    holdHere();
    location = "unknown";
    expect(await everywhere.isOnline(agent.id)).toBe(true);
  });

  it("where an instance that lives has it, and not where none or a dead one has", async () => {
    expect(await everywhere.isOnline(agent.id)).toBe(false);
    location = at(HOLDER);
    expect(await everywhere.isOnline(agent.id)).toBe(true);
    others = [THIRD];
    expect(await everywhere.isOnline(agent.id)).toBe(false);
  });

  it("or not, nobody knows while Redis is away", async () => {
    location = "unknown";
    await expect(everywhere.isOnline(agent.id)).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
  });
});

describe("a connection that wants to hold an agent", () => {
  const OTHER_BOOT = "boot-two" as BootId;

  it("may where nobody does, and where its own old one does, on whichever instance", async () => {
    expect(await everywhere.mayConnect(agent.id, BOOT)).toBe(true);
    location = at(HOLDER);
    expect(await everywhere.mayConnect(agent.id, BOOT)).toBe(true);
    holdHere();
    expect(await everywhere.mayConnect(agent.id, BOOT)).toBe(true);
    expect(asked).toEqual([]);
  });

  it("and is of another process may where the holder says so, or does not answer", async () => {
    location = at(HOLDER);
    answers[HOLDER] = false;
    expect(await everywhere.mayConnect(agent.id, OTHER_BOOT)).toBe(false);
    expect(asked).toEqual([{ to: HOLDER, ask: "may_connect", agentId: agent.id, bootId: OTHER_BOOT }]);
    answers[HOLDER] = true;
    expect(await everywhere.mayConnect(agent.id, OTHER_BOOT)).toBe(true);
    delete answers[HOLDER];
    expect(await everywhere.mayConnect(agent.id, OTHER_BOOT)).toBe(true);
  });

  it("and is of another process may not where the holder is here and its agent answers", async () => {
    holdHere();
    expect(await everywhere.mayConnect(agent.id, OTHER_BOOT)).toBe(false);
  });

  it("is not judged while Redis is away", async () => {
    location = "unknown";
    await expect(everywhere.mayConnect(agent.id, BOOT)).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
  });
});

describe.each([
  ["stopSession", "stop_session", () => everywhere.stopSession(agent.id, MAIN_SESSION)],
  ["disconnectAgent", "disconnect_agent", () => everywhere.disconnectAgent(agent.id)],
] as const)("%s", (_, question, act) => {
  it("is done here where the agent is here, though nobody knows where it is", async () => {
    const link = holdHere();
    location = "unknown";
    expect(await act()).toBe("told");
    expect([link.of("stopSession").length, link.closed === undefined ? 0 : 1]).toContain(1);
  });

  it("is asked of the holder, whose word it is", async () => {
    location = at(HOLDER);
    answers[HOLDER] = "AGENT_RECONNECTING";
    expect(await act()).toBe("AGENT_RECONNECTING");
    expect(asked).toMatchObject([{ to: HOLDER, ask: question, agentId: agent.id }]);
  });

  it("is asked of the holder that a route leads to, where Redis has forgotten it, and the route goes on", async () => {
    const route = await routeTo(HOLDER);
    answers[HOLDER] = "told";
    expect(await act()).toBe("told");
    expect(asked).toMatchObject([{ to: HOLDER, ask: question }]);
    expect([route.of("stopSession"), route.ended]).toEqual([[], false]);
  });

  it("of an agent that is nowhere is refused, and can't be done where nobody knows", async () => {
    expect(["SESSION_NOT_FOUND", "AGENT_OFFLINE"]).toContain(await act());
    location = "unknown";
    await expect(act()).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
    location = at(HOLDER);
    await expect(act()).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
  });
});

describe("the list of shells", () => {
  const viewer = (instanceId: InstanceId) => ({ attachmentKey: instanceId, instanceId }) as unknown as ViewerView;
  const shell = (id: string, ...viewers: ViewerView[]) =>
    ({ id, agentId: agent.id, viewers }) as unknown as SessionView;
  const elsewhere = (id: string, ...viewers: ViewerView[]) => ({
    agentId: agent.id,
    sessionId: id as SessionId,
    viewers,
  });

  it("has each once with the viewers of every instance, and leaves out who does not answer", async () => {
    holdHere();
    answers[HOLDER] = {
      sessions: [shell("split-a", viewer(HOLDER))],
      elsewhere: [elsewhere("main", viewer(HOLDER)), elsewhere("split-gone", viewer(HOLDER))],
    } satisfies LocalSessions;
    const listed = await everywhere.listSessions({});
    expect(listed.map(({ id, viewers }) => [id, viewers.map(({ instanceId }) => instanceId)])).toEqual([
      ["main", [HOLDER]],
      ["split-a", [HOLDER]],
    ]);
    expect(asked.map(({ to, ask }) => [to, ask])).toEqual([
      [HOLDER, "list_sessions"],
      [THIRD, "list_sessions"],
    ]);
  });
});

describe("what others ask of this instance", () => {
  it("is answered from what is here alone", async () => {
    location = at(HOLDER);
    const of = { agentId: agent.id };
    expect(await everywhere.answer({ ask: "may_connect", ...of, bootId: undefined })).toBe(true);
    expect(await everywhere.answer({ ask: "stop_session", ...of, sessionId: MAIN_SESSION })).toBe("SESSION_NOT_FOUND");
    expect(await everywhere.answer({ ask: "disconnect_agent", ...of })).toBe("AGENT_OFFLINE");
    expect(await everywhere.answer({ ask: "list_sessions", query: {} })).toEqual({ sessions: [], elsewhere: [] });
    expect(await everywhere.answer({ ask: "drain" })).toBe(true);
    expect([drains, asked]).toEqual([1, []]);
  });
});
