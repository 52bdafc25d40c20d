// The server's end of a viewer's WebSocket that speaks rexec.v1: JSON texts to the user, v2 towards the router.

import type { WebSocket } from "ws";
import type { ControlMessage } from "../../../../protocol/control-frame.ts";
import { encodeDataFrame, FRAME, frameBytes, HEADER_BYTES, readHeader } from "../../../../protocol/data-frame.ts";
import { AGENT_STATE } from "../../../../protocol/control-frame.ts";
import { CLOSE, ERRORS, type ErrorReason } from "../../../../protocol/errors.ts";
import type { AttachmentKey } from "../../../../protocol/ids.ts";
import { MAIN_SESSION, splitSessionId } from "../../../../protocol/ids.ts";
import { SCROLLBACK_LINES } from "../../../../protocol/limits.ts";
import { isTerminalSize, type TerminalSize } from "../../../../protocol/terminal-size.ts";
import type { HeldAgent } from "../../../domain/terminals/held-agent.ts";
import type { ViewerLink } from "../../../domain/terminals/links.ts";
import type { Viewer } from "../../../domain/terminals/viewer.ts";
import type { AdmittedUser } from "../admit-user.ts";
import { closeAfterError } from "../frame-checks.ts";
import { OrderedSocket } from "../ordered-socket.ts";
import type { UserSocketDeps } from "../user-socket.ts";
import { parseMessage, statsToV1, userMessage } from "./messages.ts";
import { UnackedInput } from "./unacked-input.ts";

/** The reference's agent starts its shells with this size; a v1 client says its own soon after. */
const V1_SIZE: TerminalSize = { cols: 120, rows: 30 };

/** Serves the socket until it closes. `query`: `id` and `newSession`, as the reference's clients send them. */
export function serveV1UserSocket(
  deps: UserSocketDeps,
  webSocket: WebSocket,
  user: AdmittedUser,
  query: URLSearchParams,
): void {
  const socket = new OrderedSocket(webSocket);
  const input = new UnackedInput();
  let decoder = new TextDecoder();
  let opened: { viewer: Viewer; held: HeldAgent } | undefined;
  let attached = false;

  const link: ViewerLink = {
    protocol: "rexec.v1",
    sendFrame: onFrame,
    sendControl: onControl,
    close: (code, reason) => socket.close(code, reason),
  };

  // What went wrong shows in the close code; `close` always follows.
  webSocket.on("error", (error) => deps.log.info({ agentId: user.agent.id, err: error }, "viewer socket failed"));
  open();
  webSocket.on("message", (data: Buffer, isBinary) => {
    // What comes after a close frame is not looked at: a revoked viewer types nothing more.
    if (!opened || webSocket.readyState !== webSocket.OPEN) return;
    try {
      if (isBinary) type(data);
      else onText(data.toString("utf8"));
    } catch (error) {
      closeAfterError({ socket, log: deps.log }, error);
    }
  });
  webSocket.on("close", () => {
    // A v1 client has no key to come back with.
    opened?.held.removeViewer(opened.viewer, false);
  });

  function open(): void {
    const id = query.get("id") || deps.secrets.randomUuid();
    const newSession = query.get("newSession") === "true";
    const sessionId = newSession ? splitSessionId(id) : MAIN_SESSION;
    if (sessionId === undefined) return refuse("INVALID_ARGUMENT");
    const readOnly = !user.mayOpen({ sessionId, readOnly: false });
    if (readOnly && !user.mayOpen({ sessionId, readOnly: true })) return refuse("NOT_AUTHORIZED");
    send("shell_starting", { session_id: sessionId });
    const result = deps.router.openViewer(
      user.agent.id,
      {
        userId: user.userId,
        guest: user.guest,
        key: deps.secrets.randomHex(16) as AttachmentKey,
        sessionId,
        // Who may only watch starts nothing, and no guest does.
        create: !readOnly && !user.guest,
        readOnly,
        size: V1_SIZE,
        scrollbackLines: SCROLLBACK_LINES,
        resume: undefined,
      },
      link,
    );
    if (typeof result === "string") return refuse(result);
    opened = result;
  }

  function onText(text: string): void {
    const message = parseMessage(userMessage, text);
    if (message === "not_json") return socket.close(CLOSE.INVALID_DATA, "not JSON");
    if (message === "unknown") {
      if (socket.tolerateUnknown()) notify("UNKNOWN_MESSAGE_TYPE");
      return;
    }
    switch (message.type) {
      case "input":
        return type(Buffer.from(message.data, "utf8"));
      case "resize": {
        const { cols, rows } = message;
        if (!isTerminalSize(cols, rows)) return notify("INVALID_ARGUMENT");
        return opened?.held.onViewerResize(opened.viewer, { cols, rows } as TerminalSize);
      }
      case "exec":
        return opened && deps.router.exec(user.agent.id, opened.viewer, message.data.command);
      case "ping":
        return send("pong");
      case "pong":
        return;
      default:
        message satisfies never;
    }
  }

  function type(bytes: Buffer): void {
    if (bytes.length === 0 || !opened) return;
    if (opened.viewer.open.readOnly) return notify("NOT_AUTHORIZED");
    input.push(bytes);
    sendInput();
  }

  function sendInput(): void {
    if (opened && attached) {
      const { viewer, held } = opened;
      for (const frame of input.takeFrames(viewer)) held.onViewerFrame(viewer, frame);
    }
    if (input.isFull) webSocket.pause();
    else webSocket.resume();
  }

  function onFrame(frame: Uint8Array): void {
    const header = readHeader(frame);
    if (header.type === FRAME.INPUT_ACK) {
      input.onAck(header.offset);
      return sendInput();
    }
    const offset = header.offset + frame.length - HEADER_BYTES;
    // A character that is cut at the frame's end waits for its rest.
    const text = decoder.decode(frameBytes(frame), { stream: true });
    socket.sendText(JSON.stringify({ type: "output", data: text }), () => {
      // A v1 client acknowledges nothing: what the kernel has taken counts as consumed.
      if (opened?.viewer.stream !== header.stream) return;
      const { viewer, held } = opened;
      const ack = { type: FRAME.OUTPUT_ACK, stream: header.stream, attachment: viewer.attachment, offset };
      held.onViewerFrame(viewer, encodeDataFrame(ack));
    });
  }

  function onControl(message: ControlMessage): void {
    switch (message.$case) {
      case "opened":
        attached = true;
        input.restart(message.value.inputOffset, message.value.resumed);
        send("shell_started", { session_id: message.value.sessionId });
        // The router gives its viewer back only after this: input that waits is sent right then.
        return queueMicrotask(sendInput);
      case "snapshot":
        decoder = new TextDecoder();
        // What is output next may be the rest of its last character.
        return send("output", decoder.decode(message.value.data, { stream: true }));
      case "gap":
        return send("gap", { from: message.value.from, to: message.value.to });
      case "sessionEnded": {
        const { sessionId, exitCode, reason } = message.value;
        if (reason.startsWith("failed to start")) send("shell_error", { session_id: sessionId, error: reason });
        return send("shell_stopped", { session_id: sessionId, exit_code: exitCode });
      }
      case "stats":
        return send("stats", statsToV1(message.value));
      case "execResult": {
        const { command, output, success, error } = message.value;
        return send("exec_result", { command, output, success, ...(error === "" ? {} : { error }) });
      }
      case "agentState":
        if (message.value.state === AGENT_STATE.OFFLINE) attached = false;
        return send("agent_state", { online: message.value.state !== AGENT_STATE.OFFLINE });
      case "error":
        return send("error", message.value);
      default:
        return;
    }
  }

  function refuse(reason: ErrorReason): void {
    notify(reason);
    socket.close(ERRORS[reason].ws, ERRORS[reason].message);
  }

  function notify(reason: ErrorReason): void {
    send("error", { reason, message: ERRORS[reason].message });
  }

  function send(kind: string, data?: unknown): void {
    socket.sendText(JSON.stringify({ type: kind, ...(data === undefined ? {} : { data }) }));
  }
}
