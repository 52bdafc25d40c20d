// The server's end of an agent's WebSocket that speaks rexec.v2: frames in, frames out, hello first.

import { type ControlMessage, type ControlOf, encodeControl } from "../../../protocol/control-frame.ts";
import { FRAME, readHeader } from "../../../protocol/data-frame.ts";
import { CLOSE, ERRORS } from "../../../protocol/errors.ts";
import { type AgentId, type BootId, type ConnectionId, parseBootId } from "../../../protocol/ids.ts";
import { HELLO_TIMEOUT_MS } from "../../../protocol/limits.ts";
import { harmlessText } from "../../../protocol/names.ts";
import type { Agent, ConnectionFacts } from "../../domain/agents/agent.ts";
import { AgentConnection, type SocketAgentLink } from "../../domain/agents/agent-connection.ts";
import type { AgentLifecycle } from "../../domain/agents/agent-lifecycle.ts";
import type { Log } from "../../domain/log.ts";
import type { TerminalRouter } from "../../domain/terminals/terminal-router.ts";
import { closeAfterError, isOversized } from "./frame-checks.ts";
import { toStats, toSystemInfo } from "./machine-messages.ts";
import { OrderedSocket } from "./ordered-socket.ts";
import { readControl } from "./read-control.ts";
import type { ServedSocket, SocketService } from "./served-socket.ts";
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

/** waiting: no hello yet · greeting: hello is being worked on · a connection: in use · closed */
type State =
  | { is: "waiting"; admitted: AdmittedAgent; timer: NodeJS.Timeout }
  /** `early`: frames that came with the hello, which is what one read brought: the socket is paused. */
  | { is: "greeting"; early: { data: Buffer; isBinary: boolean }[] }
  | AgentConnection
  | { is: "closed" };

const CLOSED: State = { is: "closed" };

/** Serves the socket until it closes. */
export function serveAgentSocket(deps: AgentSocketDeps, webSocket: ServedSocket, admitted: AdmittedAgent): void {
  webSocket.serve(new AgentSocket(deps, webSocket, admitted));
}

/** Of the handshake and the hello it keeps nothing: what is here stays as long as the socket, ten thousand times. */
class AgentSocket implements SocketAgentLink, SocketService {
  readonly protocol = "rexec.v2";
  readonly connectionId: ConnectionId;
  readonly #deps: AgentSocketDeps;
  readonly #agentId: AgentId;
  readonly #webSocket: ServedSocket;
  readonly #socket: OrderedSocket;
  #state: State;

  constructor(deps: AgentSocketDeps, webSocket: ServedSocket, admitted: AdmittedAgent) {
    this.#deps = deps;
    this.#agentId = admitted.agent.id;
    this.connectionId = admitted.connectionId;
    this.#webSocket = webSocket;
    this.#socket = new OrderedSocket(webSocket);
    const timer = setTimeout(() => this.close(CLOSE.POLICY, "no hello"), HELLO_TIMEOUT_MS);
    this.#state = { is: "waiting", admitted, timer };
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

  onMessage(data: Buffer, isBinary: boolean): void {
    const state = this.#state;
    if (!isConnection(state) && state.is === "greeting") state.early.push({ data, isBinary });
    else this.#onFrame(data, isBinary);
  }

  onPong(): void {
    if (isConnection(this.#state)) this.#deps.lifecycle.heard(this.#state);
  }

  onError(error: Error): void {
    this.#deps.log.info({ agentId: this.#agentId, err: error }, "agent socket failed");
  }

  onClose(code: number): void {
    const state = this.#state;
    this.#state = CLOSED;
    if (isConnection(state)) {
      this.#deps.log.info({ agentId: this.#agentId, connectionId: this.connectionId, code }, "agent disconnected");
      void this.#disconnect(state);
    } else if (state.is === "waiting") clearTimeout(state.timer);
  }

  #onFrame(data: Buffer, isBinary: boolean): void {
    // What comes after a close frame is not looked at.
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    if (!isBinary) return this.#onUnknown();
    if (isOversized(data)) return this.close(CLOSE.TOO_BIG, "frame too large");
    try {
      if (data[0] === FRAME.CONTROL) this.#onControl(readControl(data, "agent"));
      else this.#onData(data);
    } catch (error) {
      closeAfterError({ socket: this.#socket, log: this.#deps.log }, error);
    }
  }

  #onData(frame: Uint8Array): void {
    const { type } = readHeader(frame);
    if (type !== FRAME.OUTPUT && type !== FRAME.INPUT_ACK) return this.#onUnknown();
    if (!isConnection(this.#state)) return this.close(CLOSE.POLICY, "hello first");
    this.#deps.lifecycle.heard(this.#state);
    this.#deps.router.heldBy(this, this.#agentId)?.onAgentFrame(frame);
    // What was read of the socket, and the frame.
    youngGarbage.made(2 * frame.length);
  }

  #onControl(message: ControlMessage | undefined): void {
    if (message === undefined) return this.#onUnknown();
    if (message.$case === "agentHello") {
      void this.#greet(message.value);
      return;
    }
    const { lifecycle, router } = this.#deps;
    const connection = this.#state;
    if (!isConnection(connection)) return this.close(CLOSE.POLICY, "hello first");
    lifecycle.heard(connection);
    const held = router.heldBy(this, this.#agentId);
    switch (message.$case) {
      case "stats": {
        const stats = toStats(message.value);
        lifecycle.onStats(connection, stats);
        return held?.onAgentControl({ $case: "stats", value: stats });
      }
      case "systemInfo":
        return lifecycle.onSystemInfo(connection, toSystemInfo(message.value));
      default:
        return held?.onAgentControl(message);
    }
  }

  async #greet(hello: ControlOf<"agentHello">): Promise<void> {
    const state = this.#state;
    if (isConnection(state) || state.is !== "waiting") return this.close(CLOSE.POLICY, "hello twice");
    const { admitted, timer } = state;
    const greeting: State = { is: "greeting", early: [] };
    this.#state = greeting;
    clearTimeout(timer);
    this.#webSocket.pause();
    try {
      const bootId = parseBootId(hello.bootId);
      if (bootId === undefined || (admitted.bootId !== undefined && bootId !== admitted.bootId))
        return this.close(CLOSE.BAD_OFFSET, "bad boot id");
      const connection = await this.#connect(admitted, bootId, hello);
      // It may have closed meanwhile.
      if (this.#state !== greeting) return void this.#disconnect(connection);
      this.#state = connection;
      this.#welcome(connection);
      for (const { data, isBinary } of greeting.early) this.#onFrame(data, isBinary);
    } catch (error) {
      this.#deps.log.error({ agentId: this.#agentId, err: error }, "agent could not be taken");
      this.close(ERRORS.BACKEND_UNAVAILABLE.ws, ERRORS.BACKEND_UNAVAILABLE.message);
    } finally {
      // It is being closed: what still comes is nobody's.
      if (this.#state === greeting) this.#state = CLOSED;
      this.#webSocket.resume();
    }
  }

  #connect(admitted: AdmittedAgent, bootId: BootId, hello: ControlOf<"agentHello">): Promise<AgentConnection> {
    const systemInfo = hello.systemInfo && toSystemInfo(hello.systemInfo);
    const facts = { ...admitted.facts, version: harmlessText(hello.version, 64), ...(systemInfo && { systemInfo }) };
    return this.#deps.lifecycle.connected(this, admitted.agent, { bootId, sessions: hello.sessions, facts });
  }

  #welcome({ location: { epoch } }: AgentConnection): void {
    const { connectionId } = this;
    const { serverVersion, log } = this.#deps;
    this.sendControl({ $case: "welcome", value: { connectionId, epoch, serverVersion } });
    log.info({ agentId: this.#agentId, connectionId, epoch }, "agent connected");
  }

  #disconnect(connection: AgentConnection): Promise<void> {
    const { lifecycle, log } = this.#deps;
    return lifecycle.disconnected(connection).catch((error: unknown) => {
      log.warn({ agentId: this.#agentId, err: error }, "agent's location not released");
    });
  }

  #onUnknown(): void {
    if (!this.#socket.tolerateUnknown()) return;
    const { message } = ERRORS.UNKNOWN_MESSAGE_TYPE;
    this.sendControl({ $case: "error", value: { reason: "UNKNOWN_MESSAGE_TYPE", message } });
  }
}

function isConnection(state: State): state is AgentConnection {
  return state instanceof AgentConnection;
}
