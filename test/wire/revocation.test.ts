// What let a socket in has ended: the socket is closed within 2 s, with the table's code, whatever its peer does.

import { setInterval as every } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { encodeControl } from "../../src/protocol/control-frame.ts";
import { encodeDataFrame, FRAME } from "../../src/protocol/data-frame.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { call } from "../support/test-server.ts";
import { RawPeer } from "./raw-peer.ts";
import { V1Agent } from "./v1-agent.ts";
import { V2Agent } from "./v2-agent.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { startWireServer, type WireServer } from "./wire-server.ts";
import { WireSocket } from "./wire-socket.ts";

const LIMIT_MS = 2_000;

let wire: WireServer;
let owner: User;
let registered: { agentId: AgentId; token: string };
beforeAll(async () => {
  wire = await startWireServer();
});
afterAll(() => wire.close());
beforeEach(async () => {
  owner = await wire.addUser();
  registered = await wire.addAgent(owner);
});

const terminalPath = (agentId: AgentId) => `/ws/agent/${agentId}/terminal`;
const v1Viewer = async (agentId: AgentId, token: string) => {
  const viewer = await WireSocket.dial(wire.server.wsUrl + terminalPath(agentId), { token });
  await viewer.jsonOf("shell_started");
  return viewer;
};
const v2Viewer = async (agentId: AgentId, token: string) =>
  (await V2Viewer.open(wire.server.wsUrl, agentId, { token })).wire;
const revoke = (tokenId: string) => call(wire.server.tokens, "revokeToken", { tokenId }, wire.server.adminToken);
const deleteAgent = (agentId: AgentId) => call(wire.server.agents, "deleteAgent", { agentId }, wire.server.adminToken);

/** Every socket is closed with this code within 2 s of what `act` does. */
async function expectClosed(sockets: readonly WireSocket[], code: number, act: () => Promise<unknown>): Promise<void> {
  const startMs = performance.now();
  await act();
  for (const { closed } of sockets) {
    const end = await closed;
    expect(end.code).toBe(code);
    expect(end.atMs - startMs).toBeLessThan(LIMIT_MS);
  }
}

describe("a token that is revoked", () => {
  it("closes the viewers that came with it, and with what was made from it, with 4401", async () => {
    const agent = await V2Agent.connect(wire.server, registered);
    const { agentId } = registered;
    const token = await wire.addToken(owner, { scopes: ["write"] });
    const other = await wire.addToken(owner, { scopes: ["write"] });
    const { jwt } = (await call(wire.server.tokens, "exchangeToken", {}, token.secret)) as { jwt: string };
    const ticket = (await call(
      wire.server.sessions,
      "openTerminal",
      { agentId, newSession: false, sessionId: "main", readOnly: false },
      token.secret,
    )) as { ticket: string };
    const stays = await v2Viewer(agentId, other.secret);
    const gone = [
      await v1Viewer(agentId, token.secret),
      await v2Viewer(agentId, token.secret),
      await v2Viewer(agentId, jwt),
      await v2Viewer(agentId, ticket.ticket),
    ];
    await expectClosed(gone, 4401, () => revoke(token.id));
    await stays.settled();
    await agent.wire.close();
  });

  it.each(["rexec.v1", "rexec.v2"])("closes the %s agent that came with it with 4401", async (protocol) => {
    const token = await wire.addToken(owner, { scopes: ["agent"], agentId: registered.agentId });
    const { agentId } = registered;
    const agent =
      protocol === "rexec.v1"
        ? await V1Agent.dial(wire.server, { agentId, token: token.secret })
        : await V2Agent.connect(wire.server, { agentId, token: token.secret });
    await expectClosed([agent.wire], 4401, () => revoke(token.id));
    const url = `${wire.server.wsUrl}/ws/agent/${agentId}`;
    expect(await WireSocket.refused(url, { token: token.secret })).toMatchObject({ status: 401 });
  });

  it("cuts off a viewer that ignores the close frame: it hears and types nothing more", async () => {
    const agent = await V2Agent.connect(wire.server, registered);
    const token = await wire.addToken(owner, { scopes: ["write"] });
    const watcher = await v2Viewer(registered.agentId, wire.server.adminToken);
    const port = wire.server.running.httpPort;
    const peer = await RawPeer.dial(port, terminalPath(registered.agentId), {
      token: token.secret,
      protocol: "rexec.v2",
    });
    const open = { sessionId: "main", newSession: false, readOnly: false, cols: 80, rows: 24, scrollbackLines: 0 };
    const resume = { attachmentKey: new Uint8Array(), stream: 0, outputOffset: 0, program: undefined };
    peer.send("binary", encodeControl({ $case: "open", value: { ...open, ...resume } }));
    await expect.poll(() => agent.attached.length).toBe(2);
    // The test's agent numbers streams and attachments together: main is 1, the watcher 2, this viewer 3.
    let offset = 0;
    const type = (text: string) => {
      const header = { type: FRAME.INPUT, stream: 1, attachment: 3, offset };
      peer.send("binary", encodeDataFrame(header, Buffer.from(text)));
      offset += text.length;
    };
    type("before");
    await agent.isTyped("before");

    const startMs = performance.now();
    await revoke(token.id);
    const revokedAtMs = performance.now();
    const flood = new AbortController();
    const flooding = (async () => {
      try {
        for await (const _ of every(20, undefined, { signal: flood.signal })) {
          agent.output("more output\r\n");
          if (peer.socket.writable) type("after");
        }
      } catch {
        // Aborted: the peer is gone.
      }
    })();
    const { atMs } = await peer.closed;
    flood.abort();
    await flooding;
    expect(atMs - startMs).toBeLessThan(LIMIT_MS);
    // The close frame itself is the last thing it hears.
    expect(peer.lastByteAtMs - revokedAtMs).toBeLessThan(200);
    peer.socket.destroy();
    expect(agent.typed).toBe("before");
    await watcher.settled();
    await agent.wire.close();
  });

  it("cuts off an agent that ignores the close frame: its viewers hear nothing more of it", async () => {
    const token = await wire.addToken(owner, { scopes: ["agent"], agentId: registered.agentId });
    const path = `/ws/agent/${registered.agentId}`;
    const peer = await RawPeer.dial(wire.server.running.httpPort, path, { token: token.secret });
    const say = (type: string, data: object) => peer.send("text", Buffer.from(JSON.stringify({ type, data })));
    const viewer = await WireSocket.dial(wire.server.wsUrl + terminalPath(registered.agentId), {
      token: wire.server.adminToken,
    });
    say("shell_started", { session_id: "main" });
    await viewer.jsonOf("shell_started");
    say("shell_output", { session_id: "main", data: Buffer.from("before").toString("base64") });
    await viewer.sees("before");
    const startMs = performance.now();
    await revoke(token.id);
    say("shell_output", { session_id: "main", data: Buffer.from("after").toString("base64") });
    expect((await peer.closed).atMs - startMs).toBeLessThan(LIMIT_MS);
    peer.socket.destroy();
    await viewer.jsonOf("agent_state");
    expect(viewer.text).not.toContain("after");
    await viewer.close();
  });
});

describe("an agent that is deleted", () => {
  it("closes its viewers with 4404, and its own socket", async () => {
    const agent = await V2Agent.connect(wire.server, registered);
    const { agentId } = registered;
    const other = await V2Agent.connect(wire.server, await wire.addAgent(owner));
    const token = await wire.addToken(owner, { scopes: ["write"] });
    const viewers = [await v1Viewer(agentId, token.secret), await v2Viewer(agentId, token.secret)];
    const stays = await v2Viewer(other.agentId, token.secret);
    await expectClosed(viewers, 4404, () => deleteAgent(agentId));
    // Its token has gone with it.
    expect(await agent.wire.closed).toMatchObject({ code: 4401 });
    await stays.settled();
    await other.wire.close();
  });

  it("closes the socket of one that came with its owner's token with 4404", async () => {
    const token = await wire.addToken(owner, { scopes: ["write"] });
    const agent = await V1Agent.dial(wire.server, { agentId: registered.agentId, token: token.secret });
    await expectClosed([agent.wire], 4404, () => deleteAgent(registered.agentId));
  });
});

describe("a token that expires", () => {
  it("closes viewers and agents that came with it with 4401", async () => {
    const agent = await V2Agent.connect(wire.server, registered);
    const expiresAt = new Date(Date.now() + 2_500);
    const token = await wire.addToken(owner, { scopes: ["write"], expiresAt });
    const viewers = [
      await v1Viewer(registered.agentId, token.secret),
      await v2Viewer(registered.agentId, token.secret),
      (await V1Agent.dial(wire.server, { ...(await wire.addAgent(owner)), token: token.secret })).wire,
    ];
    for (const viewer of viewers) {
      expect(await viewer.closed).toMatchObject({ code: 4401, reason: "invalid token" });
      expect(Date.now() - expiresAt.getTime()).toBeGreaterThanOrEqual(0);
      expect(Date.now() - expiresAt.getTime()).toBeLessThan(LIMIT_MS);
    }
    await agent.wire.close();
  });
});
