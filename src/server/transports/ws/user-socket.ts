// The server's end of a viewer's WebSocket that speaks rexec.v2.

import type { WebSocket } from "ws";
import { type ControlMessage, type ControlOf, encodeControl } from "../../../protocol/control-frame.ts";
import { FRAME, readHeader } from "../../../protocol/data-frame.ts";
import { CLOSE, ERRORS, type ErrorReason } from "../../../protocol/errors.ts";
import {
  attachmentKeyFromBytes,
  isProgramId,
  MAIN_SESSION,
  parseSessionId,
  type SessionId,
  splitSessionId,
} from "../../../protocol/ids.ts";
import { HELLO_TIMEOUT_MS, MAX_SCROLLBACK_LINES } from "../../../protocol/limits.ts";
import { isTerminalSize } from "../../../protocol/terminal-size.ts";
import type { Log } from "../../domain/log.ts";
import type { HeldAgent } from "../../domain/terminals/held-agent.ts";
import type { ViewerLink } from "../../domain/terminals/links.ts";
import type { TerminalRouter } from "../../domain/terminals/terminal-router.ts";
import type { Viewer, ViewerOpen } from "../../domain/terminals/viewer.ts";
import type { Secrets } from "../../domain/access/token.ts";
import type { AdmittedUser } from "./admit-user.ts";
import { closeAfterError, isOversized } from "./frame-checks.ts";
import { OrderedSocket } from "./ordered-socket.ts";
import { readControl } from "./read-control.ts";

export interface UserSocketDeps {
  router: TerminalRouter;
  secrets: Secrets;
  log: Log;
}

/** Serves the socket until it closes. */
export function serveUserSocket(deps: UserSocketDeps, webSocket: WebSocket, user: AdmittedUser): void {
  const { router, log } = deps;
  const socket = new OrderedSocket(webSocket);
  const link: ViewerLink = {
    protocol: "rexec.v2",
    sendFrame: (frame) => socket.sendBinary(frame),
    sendControl: (message) => socket.sendBinary(encodeControl(message)),
    close: (code, reason) => socket.close(code, reason),
  };
  let opened: { viewer: Viewer; held: HeldAgent } | undefined;
  const openTimer = setTimeout(() => socket.close(CLOSE.POLICY, "no open"), HELLO_TIMEOUT_MS);

  webSocket.on("message", (data: Buffer, isBinary) => {
    // What comes after a close frame is not looked at: a revoked viewer types nothing more.
    if (webSocket.readyState !== webSocket.OPEN) return;
    if (!isBinary) return unknown();
    if (isOversized(data)) return socket.close(CLOSE.TOO_BIG, "frame too large");
    try {
      if (data[0] === FRAME.CONTROL) onControl(readControl(data, "viewer"));
      else onData(data);
    } catch (error) {
      closeAfterError({ socket, log }, error);
    }
  });
  // What went wrong shows in the close code; `close` always follows.
  webSocket.on("error", (error) => log.info({ agentId: user.agent.id, err: error }, "viewer socket failed"));
  webSocket.on("close", (code) => {
    clearTimeout(openTimer);
    // A viewer that says goodbye is done; one that vanished may come back.
    opened?.held.removeViewer(opened.viewer, code !== CLOSE.NORMAL);
  });

  function onControl(message: ControlMessage | undefined): void {
    if (message === undefined) return unknown();
    if (message.$case === "open") return onOpen(message.value);
    if (!opened) return socket.close(CLOSE.POLICY, "open first");
    switch (message.$case) {
      case "resize": {
        const { cols, rows } = message.value;
        if (!isTerminalSize(cols, rows)) return notify("INVALID_ARGUMENT");
        return opened.held.onViewerResize(opened.viewer, { cols, rows });
      }
      case "exec":
        return router.exec(user.agent.id, opened.viewer, message.value.command);
      default:
        return unknown();
    }
  }

  function onOpen(message: ControlOf<"open">): void {
    if (opened) return socket.close(CLOSE.POLICY, "open twice");
    clearTimeout(openTimer);
    const open = readOpen(message);
    if (typeof open === "string") return refuse(open);
    if (!user.mayOpen(open)) return refuse("NOT_AUTHORIZED");
    const result = router.openViewer(user.agent.id, open, link);
    if (typeof result === "string") return refuse(result);
    opened = result;
  }

  function onData(frame: Uint8Array): void {
    const { type } = readHeader(frame);
    if (type !== FRAME.INPUT && type !== FRAME.OUTPUT_ACK) return unknown();
    if (!opened) return socket.close(CLOSE.POLICY, "open first");
    switch (opened.held.onViewerFrame(opened.viewer, frame)) {
      case "ok":
        return;
      case "future_ack":
        return socket.close(CLOSE.BAD_OFFSET, "acknowledgement from the future");
      case "too_much_input":
        return socket.close(CLOSE.POLICY, "too much unacknowledged input");
    }
  }

  /** What the client asks for, or why that can't be. */
  function readOpen(message: ControlOf<"open">): ViewerOpen | ErrorReason {
    const { cols, rows } = message;
    if (!isTerminalSize(cols, rows) || message.scrollbackLines > MAX_SCROLLBACK_LINES) return "INVALID_ARGUMENT";
    const isResume = message.attachmentKey.length > 0;
    const sessionId = requestedSession(message);
    if (sessionId === undefined) return "SESSION_NOT_FOUND";
    const { program } = message;
    const isProgram = isProgramId(sessionId);
    if (program !== undefined && (!isProgram || message.readOnly)) return "INVALID_ARGUMENT";
    // It is there for the one who started it, who comes back by its key, or says again what to run.
    if (isProgram && program === undefined && !isResume) return "SESSION_NOT_FOUND";
    const key = attachmentKeyFromBytes(
      isResume ? message.attachmentKey : Buffer.from(deps.secrets.randomHex(16), "hex"),
    );
    if (key === undefined) return "INVALID_ARGUMENT";
    return {
      userId: user.userId,
      guest: user.guest,
      key,
      sessionId,
      // Who may only watch starts nothing, and no guest does.
      create:
        !message.readOnly && !user.guest && (message.newSession || sessionId === MAIN_SESSION || program !== undefined),
      program,
      readOnly: message.readOnly,
      size: { cols, rows },
      scrollbackLines: message.scrollbackLines,
      resume: isResume ? { stream: message.stream, outputOffset: message.outputOffset } : undefined,
    };
  }

  function requestedSession(message: ControlOf<"open">): SessionId | undefined {
    if (message.sessionId !== "") return parseSessionId(message.sessionId);
    return message.newSession ? splitSessionId(deps.secrets.randomUuid()) : undefined;
  }

  function refuse(reason: ErrorReason): void {
    notify(reason);
    socket.close(ERRORS[reason].ws, ERRORS[reason].message);
  }

  function notify(reason: ErrorReason): void {
    link.sendControl({ $case: "error", value: { reason, message: ERRORS[reason].message } });
  }

  function unknown(): void {
    if (socket.tolerateUnknown()) notify("UNKNOWN_MESSAGE_TYPE");
  }
}
