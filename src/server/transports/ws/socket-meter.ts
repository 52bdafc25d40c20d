// What has gone over the WebSockets of this process. The kernel's handles count the bytes anyway: they are read when
// somebody asks, and a frame costs nothing.

import type { Duplex } from "node:stream";
import type { ErrorReason } from "../../../protocol/errors.ts";
import type { SocketFigures, SocketPeer } from "../../domain/metrics.ts";

/** A TCP or TLS socket counts; any other stream has nothing to tell. */
export type CountingSocket = Duplex & { readonly bytesRead?: number; readonly bytesWritten?: number };

export interface MeteredSocket {
  readonly raw: CountingSocket;
  readonly webSocket: { readonly bufferedAmount: number };
}

export class SocketMeter {
  readonly #open: Record<SocketPeer, Set<MeteredSocket>> = { agent: new Set(), user: new Set() };
  /** Bytes of sockets that have closed. */
  readonly #closed = { agent: { received: 0, sent: 0 }, user: { received: 0, sent: 0 } };
  readonly #refused = new Map<ErrorReason, number>();

  get refused(): ReadonlyMap<ErrorReason, number> {
    return this.#refused;
  }

  noteRefused(reason: ErrorReason): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }

  opened(peer: SocketPeer, socket: MeteredSocket): void {
    this.#open[peer].add(socket);
  }

  closed(socket: MeteredSocket): void {
    for (const peer of ["agent", "user"] as const) {
      if (!this.#open[peer].delete(socket)) continue;
      this.#closed[peer].received += socket.raw.bytesRead ?? 0;
      this.#closed[peer].sent += socket.raw.bytesWritten ?? 0;
    }
  }

  figures(): Record<SocketPeer, SocketFigures> {
    return { agent: this.#figuresOf("agent"), user: this.#figuresOf("user") };
  }

  #figuresOf(peer: SocketPeer): SocketFigures {
    const { received, sent } = this.#closed[peer];
    const figures = { open: 0, receivedBytes: received, sentBytes: sent, unsentBytes: 0, mostUnsentBytes: 0 };
    for (const { raw, webSocket } of this.#open[peer]) {
      figures.open++;
      figures.receivedBytes += raw.bytesRead ?? 0;
      figures.sentBytes += raw.bytesWritten ?? 0;
      figures.unsentBytes += webSocket.bufferedAmount;
      figures.mostUnsentBytes = Math.max(figures.mostUnsentBytes, webSocket.bufferedAmount);
    }
    return figures;
  }
}
