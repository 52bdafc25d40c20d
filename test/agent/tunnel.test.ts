// How the agent gets to a server, and what makes it stop trying.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { AgentState, RunningAgent } from "../../src/agent/agent.ts";
import { CLOSE } from "../../src/protocol/errors.ts";
import { startTestAgent } from "./agent-under-test.ts";
import { StreamServer } from "./stream-server.ts";

interface Answer {
  status: number;
  body: string;
}

let http: Server;
let answers: Answer[];
let attempts: number;
let agent: RunningAgent;
let wss: WebSocketServer;
/** What to do with a connection once there are no more answers. */
let onSocket: (socket: WebSocket) => void;

beforeEach(async () => {
  answers = [];
  attempts = 0;
  onSocket = () => {};
  wss = new WebSocketServer({ noServer: true, handleProtocols: () => "rexec.v2" });
  http = createServer();
  http.on("upgrade", (request, socket, head) => {
    attempts += 1;
    const answer = answers.shift();
    if (answer === undefined) return wss.handleUpgrade(request, socket, head, (ws) => onSocket(ws));
    socket.end(
      `HTTP/1.1 ${answer.status} No\r\ncontent-length: ${answer.body.length}\r\nconnection: close\r\n\r\n${answer.body}`,
    );
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
});

afterEach(async () => {
  vi.restoreAllMocks();
  await agent.stop("test over");
  for (const client of wss.clients) client.terminate();
  http.close();
});

function dial(...servers: string[]): RunningAgent {
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  agent = startTestAgent({ url } as StreamServer, { servers: [url, ...servers] });
  return agent;
}

async function becomes(kind: AgentState["kind"]): Promise<AgentState> {
  if (agent.state.kind === kind) return agent.state;
  return new Promise((resolve) => {
    const stop = agent.onState((state) => {
      if (state.kind !== kind) return;
      stop();
      resolve(state);
    });
  });
}

describe("a refused handshake", () => {
  for (const [status, message, reason] of [
    [401, "invalid token", "TOKEN_INVALID"],
    [403, "not authorized", "NOT_AUTHORIZED"],
    [404, "agent not found", "AGENT_NOT_FOUND"],
  ] as const) {
    test(`is final with the server's own ${status}`, async () => {
      answers = [{ status, body: JSON.stringify({ error: message }) }];
      dial();
      expect(await agent.done).toEqual({ reason });
      expect(attempts).toBe(1);
    });
  }

  for (const [what, answer] of Object.entries({
    "a proxy's bare 404": { status: 404, body: "<html>not found</html>" },
    "a proxy's empty 403": { status: 403, body: "" },
    "a 401 in other words": { status: 401, body: '{"error":"who are you"}' },
    "another agent's place": { status: 409, body: '{"error":"agent already connected"}' },
    "a server without its database": { status: 503, body: '{"error":"service unavailable"}' },
    "a final word with another status": { status: 502, body: '{"error":"invalid token"}' },
  })) {
    test(`is not final with ${what}`, async () => {
      answers = [answer];
      const connected = new Promise<void>((resolve) => {
        onSocket = () => resolve();
      });
      dial();
      await connected;
      expect(attempts).toBe(2);
    });
  }
});

describe("an open connection", () => {
  test("that held for five seconds was a good one: the waits for the next begin anew", async () => {
    let laterMs = 0;
    const now = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => now() + laterMs);
    onSocket = (socket) =>
      socket.once("message", () => {
        laterMs += 5_000;
        socket.close(CLOSE.GOING_AWAY);
      });
    const waits: number[] = [];
    dial().onState((state) => {
      if (state.kind === "waiting") waits.push(state.retryInMs);
    });
    await expect.poll(() => waits.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(6);
    expect(Math.max(...waits)).toBeLessThanOrEqual(250);
  });

  test("that is closed as not authorized is final", async () => {
    onSocket = (socket) => socket.close(4403, "not authorized");
    dial();
    expect(await agent.done).toEqual({ reason: "NOT_AUTHORIZED" });
  });

  for (const code of [CLOSE.RESTART, 4410, 1011]) {
    test(`that is closed with ${code} is dialled again`, async () => {
      const second = new Promise<void>((resolve) => {
        onSocket = (socket) => (attempts === 1 ? socket.close(code) : resolve());
      });
      dial();
      await second;
    });
  }

  test("with a frame that is none is closed, and dialled again", async () => {
    const closed = new Promise<number>((resolve) => {
      onSocket = (socket) => {
        if (attempts > 1) return;
        socket.on("message", () => socket.send(Buffer.from([0x77, 1])));
        socket.on("close", resolve);
      };
    });
    dial();
    expect(await closed).toBe(CLOSE.INVALID_DATA);
    await expect.poll(() => attempts).toBe(2);
  });
});

test("the next server is tried where one does not answer", async () => {
  const other = await StreamServer.start();
  answers = Array.from({ length: 50 }, () => ({ status: 503, body: "" }));
  dial(other.url);
  await other.welcome();
  expect(await becomes("connected")).toMatchObject({ server: other.url });
  expect(attempts).toBe(1);
  await agent.stop("over");
  await other.stop();
});

test("an agent that is told to stop while it waits stops at once", async () => {
  answers = Array.from({ length: 50 }, () => ({ status: 503, body: "" }));
  dial();
  await becomes("waiting");
  await agent.stop("enough");
  expect(await agent.done).toEqual({ reason: "enough" });
  expect(agent.state).toEqual({ kind: "stopped" });
});
