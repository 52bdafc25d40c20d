// One WebSocket of a terminal, from dialling to its end: decodes what comes, and notices when nothing does.

import { type ControlMessage, decodeControl } from "../protocol/control-frame.ts";
import { CLOSE } from "../protocol/errors.ts";
import { type DataHeader, FRAME, FrameError, frameBytes, readHeader } from "../protocol/data-frame.ts";
import { OFFLINE_AFTER_MS } from "../protocol/limits.ts";
import type { ClientClock, ClientSocket, SocketDown, SocketFactory, SocketRequest } from "./socket.ts";

/** Dialling, TLS and the server's answer: a host that drops packets is given up before the next is tried. */
const CONNECT_TIMEOUT_MS = 15_000;

export interface LinkEvents {
  up(): void;
  data(header: DataHeader, bytes: Uint8Array): void;
  control(message: ControlMessage): void;
  /** Once, and nothing after it. */
  down(cause: SocketDown): void;
}

export interface Link {
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** While this holds, silence is watched even on a socket that sees no pings: an answer is due. */
  expectAnswer(isDue: boolean): void;
  /** Ends it for a reason of ours, which down() is told at once. */
  drop(cause: string, code?: number): void;
  /** Ends it with the closing handshake; down() is not called any more. */
  leave(): void;
}

export function openLink(
  deps: { sockets: SocketFactory; clock: ClientClock },
  request: SocketRequest,
  events: LinkEvents,
): Link {
  const { sockets, clock } = deps;
  let state: "dialling" | "up" | "down" = "dialling";
  let isAnswerDue = false;
  let lastHeardMs = clock.now();
  let cancelTimer = clock.after(CONNECT_TIMEOUT_MS, () =>
    end({ kind: "failed", message: "no answer from the server" }),
  );

  const socket: ClientSocket = sockets.connect(request, {
    open() {
      if (state !== "dialling") return;
      state = "up";
      heard();
      cancelTimer();
      watchSilence(OFFLINE_AFTER_MS);
      events.up();
    },
    ping: heard,
    message(data) {
      if (state !== "up") return;
      heard();
      try {
        dispatch(data);
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        drop(`unreadable frame: ${error.message}`, CLOSE.INVALID_DATA);
      }
    },
    down: (cause) => finish(cause),
  });

  function heard(): void {
    lastHeardMs = clock.now();
  }

  function dispatch(data: Uint8Array): void {
    if (data[0] !== FRAME.CONTROL) {
      events.data(readHeader(data), frameBytes(data));
      return;
    }
    const message = decodeControl(data, "server");
    // A newer server's message is nothing to us.
    if (message) events.control(message);
  }

  function watchSilence(inMs: number): void {
    cancelTimer = clock.after(inMs, () => {
      const silentMs = clock.now() - lastHeardMs;
      if (silentMs < OFFLINE_AFTER_MS) watchSilence(OFFLINE_AFTER_MS - silentMs);
      else if (sockets.seesPings || isAnswerDue) end({ kind: "failed", message: "the server has gone silent" });
      else watchSilence(OFFLINE_AFTER_MS);
    });
  }

  function finish(cause: SocketDown): void {
    if (state === "down") return;
    state = "down";
    cancelTimer();
    events.down(cause);
  }

  function end(cause: SocketDown): void {
    if (state === "down") return;
    socket.terminate();
    finish(cause);
  }

  function drop(cause: string, code?: number): void {
    if (state === "down") return;
    if (code !== undefined) socket.close(code, cause);
    socket.terminate();
    finish({ kind: "failed", message: cause });
  }

  return {
    send(frame) {
      if (state === "up") socket.send(frame);
    },
    expectAnswer(isDue) {
      // Silence counts from the question, not from the last thing heard before it.
      if (isDue && !isAnswerDue) heard();
      isAnswerDue = isDue;
    },
    drop,
    leave() {
      if (state === "down") return;
      state = "down";
      cancelTimer();
      socket.close(CLOSE.NORMAL, "detached");
    },
  };
}
