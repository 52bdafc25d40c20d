// The server's end of an agent's WebSocket that speaks rexec.v1.

import type { WebSocket } from "ws";
import type { ControlMessage } from "../../../../protocol/control-frame.ts";
import { CLOSE, ERRORS } from "../../../../protocol/errors.ts";
import type { AgentConnection, SocketAgentLink } from "../../../domain/agents/agent-connection.ts";
import type { AdmittedAgent, AgentSocketDeps } from "../agent-socket.ts";
import { closeAfterError } from "../frame-checks.ts";
import { toStats, toSystemInfo } from "../machine-messages.ts";
import { OrderedSocket } from "../ordered-socket.ts";
import type { BridgeLink } from "./agent-bridge.ts";
import type { KeptBridges } from "./kept-bridges.ts";
import { agentMessage, parseMessage } from "./messages.ts";

/** How often a paused socket looks whether its viewers have caught up. */
const RESUME_CHECK_MS = 5;
/** A v1 agent is made to wait this long at most: then its viewers are skipped forward instead. */
const MAX_PAUSE_MS = 10_000;

/** Serves the socket until it closes. */
export function serveV1AgentSocket(
  deps: AgentSocketDeps & { bridges: KeptBridges },
  webSocket: WebSocket,
  admitted: AdmittedAgent,
): void {
  const { lifecycle, router, log, bridges } = deps;
  const { agent, connectionId } = admitted;
  const socket = new OrderedSocket(webSocket);
  let connection: AgentConnection | undefined;
  let resumeTimer: NodeJS.Timeout | undefined;

  const bridgeLink: BridgeLink = {
    sendJson: (message, onWritten) => socket.sendText(JSON.stringify(message), onWritten),
    frame: (frame) => router.heldBy(link, agent.id)?.onAgentFrame(frame),
    control: onControl,
  };
  const { bridge, bootId } = bridges.use(agent.id, bridgeLink);
  const link: SocketAgentLink = {
    protocol: "rexec.v1",
    connectionId,
    sendFrame: (frame) => bridge.onFrame(frame),
    sendControl: (message) => bridge.onControl(message),
    close: (code, reason) => socket.close(code, reason),
    probe: (timeoutMs) => socket.probe(timeoutMs),
    ping: () => socket.ping(),
    terminate: () => socket.terminate(),
  };

  webSocket.pause();
  // A v1 agent has no boot id. The bridge's own stands in, so that viewers go on where they were: its shells outlive a
  // connection, and one that has restarted is given its shells anew.
  const hello = { bootId, sessions: bridge.describeSessions(), facts: admitted.facts };
  lifecycle.connected(link, agent, hello).then(
    (made) => {
      connection = made;
      if (webSocket.readyState !== webSocket.OPEN) return void disconnect(made);
      log.info({ agentId: agent.id, connectionId, protocol: "rexec.v1" }, "agent connected");
      webSocket.resume();
    },
    (error: unknown) => {
      log.error({ agentId: agent.id, err: error }, "agent could not be taken");
      webSocket.resume();
      socket.close(ERRORS.BACKEND_UNAVAILABLE.ws, ERRORS.BACKEND_UNAVAILABLE.message);
    },
  );

  webSocket.on("message", (data: Buffer, isBinary) => {
    // Nothing counts any more from a connection that is being closed, or that another one has replaced.
    if (webSocket.readyState !== webSocket.OPEN || !bridge.isLinkedTo(bridgeLink)) return;
    if (connection) lifecycle.heard(connection);
    if (isBinary) return unknown();
    const message = parseMessage(agentMessage, data.toString("utf8"));
    if (message === "not_json") return socket.close(CLOSE.INVALID_DATA, "not JSON");
    if (message === "unknown") return unknown();
    try {
      bridge.onMessage(message);
    } catch (error) {
      return closeAfterError({ socket, log }, error);
    }
    if (bridge.isBehind) pauseForViewers();
  });
  webSocket.on("pong", () => connection && lifecycle.heard(connection));
  // What went wrong shows in the close code; `close` always follows.
  webSocket.on("error", (error) => log.info({ agentId: agent.id, err: error }, "agent socket failed"));
  webSocket.on("close", (code) => {
    clearInterval(resumeTimer);
    bridges.release(agent.id, bridgeLink);
    if (!connection) return;
    log.info({ agentId: agent.id, connectionId, code }, "agent disconnected");
    void disconnect(connection);
  });

  function onControl(message: ControlMessage): void {
    const held = router.heldBy(link, agent.id);
    if (message.$case === "stats") {
      const stats = toStats(message.value);
      if (connection) lifecycle.onStats(connection, stats);
      held?.onAgentControl({ $case: "stats", value: stats });
    } else if (message.$case === "systemInfo") {
      if (connection) lifecycle.onSystemInfo(connection, toSystemInfo(message.value));
    } else held?.onAgentControl(message);
  }

  /** TCP makes the agent wait: a v1 agent knows no other flow control. Its silence meanwhile is our doing. */
  function pauseForViewers(): void {
    if (resumeTimer) return;
    webSocket.pause();
    const pausedAtMs = performance.now();
    resumeTimer = setInterval(() => {
      if (connection) lifecycle.heard(connection);
      if (bridge.isBehind && performance.now() - pausedAtMs < MAX_PAUSE_MS) return;
      clearInterval(resumeTimer);
      resumeTimer = undefined;
      webSocket.resume();
    }, RESUME_CHECK_MS);
  }

  function disconnect(made: AgentConnection): Promise<void> {
    return lifecycle.disconnected(made).catch((error: unknown) => {
      log.warn({ agentId: agent.id, err: error }, "agent's location not released");
    });
  }

  function unknown(): void {
    const { message } = ERRORS.UNKNOWN_MESSAGE_TYPE;
    if (socket.tolerateUnknown()) socket.sendText(JSON.stringify({ type: "error", data: { message } }));
  }
}
