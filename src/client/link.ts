// One WebSocket of a terminal, from dialling to its end: decodes what comes, and ends it when nothing does.

import { type ControlMessage, decodeControl } from "../protocol/control-frame.ts";
import { CLOSE } from "../protocol/errors.ts";
import { type DataHeader, FRAME, FrameError, frameBytes, readHeader } from "../protocol/data-frame.ts";
import { SilenceWatch } from "./silence-watch.ts";
import type { ClientClock, ClientSocket, SocketDown, SocketFactory, SocketRequest } from "./socket.ts";

export interface LinkEvents {
  up(): void;
  data(header: DataHeader, bytes: Uint8Array): void;
  control(message: ControlMessage): void;
  /** Once, and nothing after it. */
  down(cause: SocketDown): void;
}

export interface Link {
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** So many bytes were sent that have no answer yet: while it is not 0, a server that is gone is soon found out. */
  expectAnswer(dueBytes: number): void;
  /** Ends it for a reason of ours, which down() is told at once. */
  drop(cause: string, code?: number): void;
  /** Ends it with the closing handshake; down() is not called any more. */
  leave(): void;
}

export function openLink(
  deps: { sockets: SocketFactory; clock: ClientClock },
  dial: { request: SocketRequest; connectTimeoutMs: number },
  events: LinkEvents,
): Link {
  const { sockets, clock } = deps;
  let state: "dialling" | "up" | "down" = "dialling";
  let silence: SilenceWatch | undefined;
  // Dialling, TLS and the server's answer.
  const cancelDialTimer = clock.after(dial.connectTimeoutMs, () => drop("no answer from the server"));

  const socket: ClientSocket = sockets.connect(dial.request, {
    open() {
      if (state !== "dialling") return;
      state = "up";
      cancelDialTimer();
      silence = new SilenceWatch({
        clock,
        seesPings: sockets.seesPings,
        ping: () => socket.ping(),
        onSilent: () => drop("the server has gone silent"),
      });
      events.up();
    },
    ping: () => silence?.heard(),
    message(data) {
      if (state !== "up") return;
      silence?.heard();
      try {
        dispatch(data);
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        drop(`unreadable frame: ${error.message}`, CLOSE.INVALID_DATA);
      }
    },
    down: (cause) => finish(cause),
  });

  function dispatch(data: Uint8Array): void {
    if (data[0] !== FRAME.CONTROL) {
      events.data(readHeader(data), frameBytes(data));
      return;
    }
    const message = decodeControl(data, "server");
    // A newer server's message is nothing to us.
    if (message) events.control(message);
  }

  function finish(cause: SocketDown): void {
    if (state === "down") return;
    fall();
    events.down(cause);
  }

  function fall(): void {
    state = "down";
    cancelDialTimer();
    silence?.stop();
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
    expectAnswer(dueBytes) {
      if (state === "up") silence?.expect(dueBytes);
    },
    drop,
    leave() {
      if (state === "down") return;
      fall();
      socket.close(CLOSE.NORMAL, "detached");
    },
  };
}
