// The server's end of an agent's WebSocket that speaks rexec.v2: frames in, frames out, hello first.

import type { WebSocket } from "ws";
import { type ControlMessage, encodeControl } from "../../../protocol/control-frame.ts";
import { FRAME, readHeader } from "../../../protocol/data-frame.ts";
import { CLOSE, ERRORS } from "../../../protocol/errors.ts";
import { type BootId, type ConnectionId, parseBootId } from "../../../protocol/ids.ts";
import { HELLO_TIMEOUT_MS } from "../../../protocol/limits.ts";
import { harmlessText } from "../../../protocol/names.ts";
import type { Agent, ConnectionFacts } from "../../domain/agents/agent.ts";
import type { AgentConnection, AgentLifecycle, SocketAgentLink } from "../../domain/agents/agent-lifecycle.ts";
import type { Log } from "../../domain/log.ts";
import type { TerminalRouter } from "../../domain/terminals/terminal-router.ts";
import { closeAfterError, isOversized } from "./frame-checks.ts";
import { toStats, toSystemInfo } from "./machine-messages.ts";
import { OrderedSocket } from "./ordered-socket.ts";
import { readControl } from "./read-control.ts";
import { youngGarbage } from "../../../runtime/young-garbage.ts";

export interface AgentSocketDeps {
  lifecycle: AgentLifecycle;
  router: TerminalRouter;
  log: Log;
  serverVersion: string;
}

export interface AdmittedAgent {
  agent: Agent;
  bootId: BootId | undefined;
  facts: ConnectionFacts;
  connectionId: ConnectionId;
}

/** Methods, not functions in an object: an idle server has ten thousand of these and little else. */
class SocketLink implements SocketAgentLink {
  readonly protocol = "rexec.v2";
  readonly connectionId: ConnectionId;
  readonly #socket: OrderedSocket;

  constructor(socket: OrderedSocket, connectionId: ConnectionId) {
    this.#socket = socket;
    this.connectionId = connectionId;
  }

  sendFrame(frame: Uint8Array): void {
    this.#socket.sendBinary(frame);
  }

  sendControl(message: ControlMessage): void {
    this.#socket.sendBinary(encodeControl(message));
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  probe(timeoutMs: number): Promise<boolean> {
    return this.#socket.probe(timeoutMs);
  }

  ping(): void {
    this.#socket.ping();
  }

  terminate(): void {
    this.#socket.terminate();
  }
}

/** Serves the socket until it closes. */
export function serveAgentSocket(deps: AgentSocketDeps, webSocket: WebSocket, admitted: AdmittedAgent): void {
  const { lifecycle, router, log } = deps;
  const { agent, connectionId } = admitted;
  const socket = new OrderedSocket(webSocket);
  const link = new SocketLink(socket, connectionId);
  /** waiting: no hello yet · greeting: hello is being worked on · a connection: in use · closed */
  let state: "waiting" | "greeting" | "closed" | AgentConnection = "waiting";
  let helloTimer: NodeJS.Timeout | undefined = setTimeout(
    () => socket.close(CLOSE.POLICY, "no hello"),
    HELLO_TIMEOUT_MS,
  );

  /** Frames that came with the hello, while it is being worked on: what one read brought, for the socket is paused. */
  let early: { data: Buffer; isBinary: boolean }[] = [];

  webSocket.on("message", (data: Buffer, isBinary) => {
    if (state === "greeting") early.push({ data, isBinary });
    else onMessage(data, isBinary);
  });

  function onMessage(data: Buffer, isBinary: boolean): void {
    // What comes after a close frame is not looked at.
    if (webSocket.readyState !== webSocket.OPEN) return;
    if (!isBinary) return unknown();
    if (isOversized(data)) return socket.close(CLOSE.TOO_BIG, "frame too large");
    try {
      if (data[0] === FRAME.CONTROL) onControl(readControl(data, "agent"));
      else onData(data);
    } catch (error) {
      closeAfterError({ socket, log }, error);
    }
  }

  webSocket.on("pong", () => {
    if (typeof state === "object") lifecycle.heard(state);
  });
  // What went wrong shows in the close code; `close` always follows.
  webSocket.on("error", (error) => log.info({ agentId: agent.id, err: error }, "agent socket failed"));
  webSocket.on("close", (code) => {
    clearTimeout(helloTimer);
    const connection = state;
    state = "closed";
    if (typeof connection !== "object") return;
    log.info({ agentId: agent.id, connectionId, code }, "agent disconnected");
    void disconnect(connection);
  });

  function onData(frame: Uint8Array): void {
    const { type } = readHeader(frame);
    if (type !== FRAME.OUTPUT && type !== FRAME.INPUT_ACK) return unknown();
    if (typeof state !== "object") return socket.close(CLOSE.POLICY, "hello first");
    lifecycle.heard(state);
    router.heldBy(link, agent.id)?.onAgentFrame(frame);
    // What was read of the socket, and the frame.
    youngGarbage.made(2 * frame.length);
  }

  function onControl(message: ControlMessage | undefined): void {
    if (message === undefined) return unknown();
    if (message.$case === "agentHello") {
      void greet(message.value);
      return;
    }
    if (typeof state !== "object") return socket.close(CLOSE.POLICY, "hello first");
    lifecycle.heard(state);
    const held = router.heldBy(link, agent.id);
    switch (message.$case) {
      case "stats": {
        const stats = toStats(message.value);
        lifecycle.onStats(state, stats);
        return held?.onAgentControl({ $case: "stats", value: stats });
      }
      case "systemInfo":
        return lifecycle.onSystemInfo(state, toSystemInfo(message.value));
      default:
        return held?.onAgentControl(message);
    }
  }

  async function greet(hello: Extract<ControlMessage, { $case: "agentHello" }>["value"]): Promise<void> {
    if (state !== "waiting") return socket.close(CLOSE.POLICY, "hello twice");
    state = "greeting";
    clearTimeout(helloTimer);
    helloTimer = undefined;
    webSocket.pause();
    const bootId = parseBootId(hello.bootId);
    if (bootId === undefined || (admitted.bootId !== undefined && bootId !== admitted.bootId)) {
      webSocket.resume();
      return socket.close(CLOSE.BAD_OFFSET, "bad boot id");
    }
    try {
      const systemInfo = hello.systemInfo && toSystemInfo(hello.systemInfo);
      const facts = { ...admitted.facts, version: harmlessText(hello.version, 64), ...(systemInfo && { systemInfo }) };
      const connection = await lifecycle.connected(link, agent, { bootId, sessions: hello.sessions, facts });
      if ((state as string) === "closed") return void disconnect(connection);
      state = connection;
      link.sendControl({
        $case: "welcome",
        value: { connectionId, epoch: connection.location.epoch, serverVersion: deps.serverVersion },
      });
      log.info({ agentId: agent.id, connectionId, epoch: connection.location.epoch }, "agent connected");
      for (const { data, isBinary } of early) onMessage(data, isBinary);
    } catch (error) {
      log.error({ agentId: agent.id, err: error }, "agent could not be taken");
      socket.close(ERRORS.BACKEND_UNAVAILABLE.ws, ERRORS.BACKEND_UNAVAILABLE.message);
    } finally {
      early = [];
      webSocket.resume();
    }
  }

  function disconnect(connection: AgentConnection): Promise<void> {
    return lifecycle.disconnected(connection).catch((error: unknown) => {
      log.warn({ agentId: agent.id, err: error }, "agent's location not released");
    });
  }

  function unknown(): void {
    if (!socket.tolerateUnknown()) return;
    const { message } = ERRORS.UNKNOWN_MESSAGE_TYPE;
    link.sendControl({ $case: "error", value: { reason: "UNKNOWN_MESSAGE_TYPE", message } });
  }
}
