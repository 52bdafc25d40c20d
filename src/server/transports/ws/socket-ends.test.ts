import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { SocketEnds } from "./socket-ends.ts";

let ended: number[];
let ends: SocketEnds;

beforeEach(() => {
  ended = [];
  ends = new SocketEnds();
});

/** Notes when its handle is closed. */
class NumberedSocket extends Duplex {
  readonly #number: number;
  constructor(number: number) {
    super();
    this.#number = number;
  }
  override _read(): void {}
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    ended.push(this.#number);
    done(error);
  }
}

function watched(count: number): NumberedSocket[] {
  const sockets = Array.from({ length: count }, (_, number) => new NumberedSocket(number));
  for (const socket of sockets) ends.watch(socket);
  return sockets;
}

it("one that ends alone ends at once", () => {
  const [socket] = watched(1);
  socket!.destroy();
  expect(ended).toEqual([0]);
});

it("of ten thousand a few end in each turn, in their order, and all of them do", async () => {
  const sockets = watched(10_000);
  for (const socket of sockets) socket.destroy();
  let turns = 0;
  for (; ended.length < sockets.length && turns < 1_000; turns++) {
    const before = ended.length;
    await nextTurn();
    expect(ended.length - before).toBeLessThanOrEqual(32);
  }
  expect(turns).toBeGreaterThanOrEqual(10_000 / 32 - 2);
  expect(ended).toEqual(sockets.map((_, number) => number));
});

it("what a socket broke of is told when its turn has come", async () => {
  const sockets = watched(100);
  const told: unknown[] = [];
  for (const socket of sockets) {
    socket.on("error", (error) => told.push(error));
    socket.destroy(new Error("reset by peer"));
  }
  await nextTurn();
  expect(told.length).toBeLessThan(100);
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  expect(told).toHaveLength(100);
});

it("those that end later wait for no others", async () => {
  const sockets = watched(100);
  for (const socket of sockets.slice(0, 64)) socket.destroy();
  for (let turn = 0; turn < 4; turn++) await nextTurn();
  expect(ended).toHaveLength(64);
  sockets[64]!.destroy();
  await nextTurn();
  expect(ended).toHaveLength(65);
});

describe("a connection whose peer has ended", () => {
  /** Both ends; the server's may go on writing after the other's end, as those of node:http. */
  async function connection(): Promise<{ ours: Socket; peer: Socket }> {
    const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const [ours] = await accepted;
    ends.watch(ours);
    ours.resume();
    return { ours, peer };
  }

  it("closes", async () => {
    const { ours, peer } = await connection();
    ours.on("end", () => ours.end());
    peer.end("the last words");
    await Promise.all([once(ours, "close"), once(peer.resume(), "close")]);
  });

  it("is still told what waits to be written", async () => {
    const { ours, peer } = await connection();
    const sent = Buffer.alloc(16 * 1024 * 1024, "x");
    ours.write(sent);
    ours.on("end", () => ours.end());
    peer.end();
    const [received] = await Promise.all([buffer(peer), once(ours, "close")]);
    expect(received.length).toBe(sent.length);
  });

  it("is told last words", async () => {
    const { ours, peer } = await connection();
    ours.on("end", () => ours.end("bye"));
    peer.end();
    const [received] = await Promise.all([buffer(peer), once(ours, "close")]);
    expect(received.toString()).toBe("bye");
  });
});
