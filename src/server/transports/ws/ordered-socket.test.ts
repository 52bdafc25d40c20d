// One socket with its bounds, on a real connection.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { MAX_SEND_QUEUE_BYTES } from "../../../protocol/limits.ts";
import { OrderedSocket } from "./ordered-socket.ts";

let server: WebSocketServer;
let here: WebSocket;
let peer: WebSocket;
let socket: OrderedSocket;
beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await once(server, "listening");
  peer = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const opened = once(peer, "open");
  [here] = (await once(server, "connection")) as [WebSocket];
  await opened;
  socket = new OrderedSocket(here);
});
afterEach(() => {
  peer.terminate();
  server.close();
});

describe("an ordered socket", () => {
  it("sends in order what it is given, and closes after it", async () => {
    const heard: string[] = [];
    peer.on("message", (data: Buffer, isBinary) => heard.push(`${isBinary ? "binary" : "text"} ${data.toString()}`));
    socket.sendText("one");
    socket.sendBinary(Buffer.from("two"));
    socket.sendText("three");
    socket.close(4404, "agent not found");
    socket.sendText("after");
    const [code, reason] = (await once(peer, "close")) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4404, "agent not found"]);
    expect(heard).toEqual(["text one", "binary two", "text three"]);
  });

  it("tells when the kernel has taken a frame, and never of one that it has not", async () => {
    await new Promise<void>((resolve) => socket.sendText("one", resolve));
    socket.close(1000, "");
    let told = false;
    socket.sendText("two", () => (told = true));
    await once(here, "close");
    expect(told).toBe(false);
  });

  it("cuts off a peer that does not answer the closing handshake within a second", async () => {
    peer.pause();
    const startMs = performance.now();
    socket.close(4401, "invalid token");
    await once(here, "close");
    expect(performance.now() - startMs).toBeGreaterThan(900);
    expect(performance.now() - startMs).toBeLessThan(1_900);
  });

  it("cuts off a peer that takes nothing, at the bound", async () => {
    peer.pause();
    const piece = Buffer.alloc(1024 * 1024);
    const closed = once(here, "close");
    // What the kernels of both ends hold comes on top.
    for (let sent = 0; sent < 4 * MAX_SEND_QUEUE_BYTES && here.readyState === here.OPEN; sent += piece.length) {
      socket.sendBinary(piece);
      expect(socket.queuedBytes).toBeLessThanOrEqual(MAX_SEND_QUEUE_BYTES + 2 * piece.length);
    }
    await closed;
  });

  it("finds out whether its peer answers", async () => {
    expect(await socket.probe(5_000)).toBe(true);
    peer.pause();
    expect(await socket.probe(50)).toBe(false);
    const pending = socket.probe(5_000);
    here.terminate();
    expect(await pending).toBe(false);
    expect(await socket.probe(5_000)).toBe(false);
    expect(here.listenerCount("pong")).toBe(0);
  });

  it("bears nine unknown messages and closes with 1003 at the tenth", async () => {
    for (let i = 0; i < 9; i++) expect(socket.tolerateUnknown()).toBe(true);
    expect(socket.tolerateUnknown()).toBe(false);
    const [code] = (await once(peer, "close")) as [number];
    expect(code).toBe(1003);
  });
});
