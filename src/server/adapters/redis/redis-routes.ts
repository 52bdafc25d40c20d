// Routes over Redis: the path that always is there. The courier numbers what an instance says to another; where something
// of it is missing, every route between the two ends and is opened anew, for on a route nothing may be missing.
//
//   3 u8 | side u8 | op u8 | route u32 | payload        side 0: said by who opened the route, 1: by who accepted it
//
//   opener                                  holder
//     | -- OPEN {agent, connection} ---------> |
//     | <------------------- OPENED, or CLOSE  |
//     | <------------------------------ DATA … |
//     | -- ACK: bytes taken so far ----------> |     after every 64 KiB, either way
//     | -- CLOSE ----------------------------> |
//
// Once a second each says to every run that it has routes with that it is there: so is the loss of a last message noticed,
// and the loss of the other.

import type { InstanceId, RunId } from "../../../protocol/ids.ts";
import type { AgentLocation } from "../../domain/agents/locations.ts";
import {
  type AcceptRoute,
  parseRouteRequest,
  type Route,
  ROUTE_WINDOW_BYTES,
  type RouteEvents,
  type RouteRequest,
  type Routes,
} from "../../domain/terminals/routes.ts";
import type { Courier } from "./courier.ts";
import type { InstanceDirectory } from "./instance-calls.ts";
import { decodeWire, encodeWire } from "./wire-json.ts";

export interface RedisRoutesDeps {
  courier: Pick<Courier, "send">;
  directory: Pick<InstanceDirectory, "find" | "findRun">;
  accept: AcceptRoute;
  /** Milliseconds that only grow. */
  now(): number;
}

export const ROUTE_KIND = 3;
const HEADER_BYTES = 7;
const OP = { OPEN: 0, OPENED: 1, DATA: 2, ACK: 3, CLOSE: 4, HERE: 5 } as const;
const SIDE = { OPENER: 0, HOLDER: 1 } as const;
type Side = (typeof SIDE)[keyof typeof SIDE];

const OPEN_TIMEOUT_MS = 2_000;
const ACK_EVERY_BYTES = 64 * 1024;
/** Heard of nothing for so long, a run is not there, or Redis is not. */
const SILENT_AFTER_MS = 5_000;
/** Of one other run; more are refused. */
const MAX_ROUTES_PER_RUN = 50_000;

interface Peer {
  run: RunId;
  heardAtMs: number;
  /** By whose route it is, and its number. */
  routes: Map<string, RedisRoute>;
}

export class RedisRoutes implements Routes {
  readonly #deps: RedisRoutesDeps;
  readonly #peers = new Map<RunId, Peer>();
  readonly #opening = new Map<RedisRoute, (isOpen: boolean) => void>();
  #lastId = 0;

  constructor(deps: RedisRoutesDeps) {
    this.#deps = deps;
  }

  async open(to: AgentLocation, events: RouteEvents): Promise<Route | undefined> {
    const run = (await this.#deps.directory.find(to.instanceId))?.run;
    if (run === undefined) return undefined;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const route = this.#add({ run, side: SIDE.OPENER, id: (this.#lastId = (this.#lastId + 1) >>> 0) }, to.instanceId);
    if (route === undefined) return undefined;
    route.events = events;
    this.#opening.set(route, resolve);
    const timer = setTimeout(() => route.close(), OPEN_TIMEOUT_MS);
    const request: RouteRequest = { agentId: to.agentId, connectionId: to.connectionId };
    route.say(OP.OPEN, encodeWire(request));
    const isOpen = await promise;
    clearTimeout(timer);
    return isOpen ? route : undefined;
  }

  onMessage(from: RunId, message: Uint8Array): void {
    if (message.length < HEADER_BYTES) return;
    const payload = Buffer.from(message.buffer, message.byteOffset, message.length);
    const [, saidBy, op] = payload as unknown as [number, number, number];
    const known = this.#peers.get(from);
    if (known !== undefined) known.heardAtMs = this.#deps.now();
    if (op === OP.HERE) return;
    const id = payload.readUInt32BE(3);
    const side = saidBy === SIDE.OPENER ? SIDE.HOLDER : SIDE.OPENER;
    const body = payload.subarray(HEADER_BYTES);
    if (op === OP.OPEN) {
      return void this.#onOpen({ run: from, side: SIDE.HOLDER, id }, parseRouteRequest(decodeWire(body)));
    }
    const route = known?.routes.get(keyOf(side, id));
    // Its end has not reached the other yet, or the other's word about it was lost.
    if (route === undefined) return op === OP.DATA ? this.#say(from, frame(side, OP.CLOSE, id)) : undefined;
    switch (op) {
      case OP.OPENED:
        return this.#opened(route, true);
      case OP.DATA:
        // What opened it is missing.
        return this.#opening.has(route) ? route.close() : route.onData(body);
      case OP.ACK:
        return body.length === 8 ? route.onAck(Number(body.readBigUInt64BE(0))) : route.close();
      case OP.CLOSE:
        return this.#end(route);
      default:
        return;
    }
  }

  /**
   * Something that this run said is missing. It may have been said on any of its routes; on one that is being opened it
   * shows by itself.
   */
  onGap(from: RunId): void {
    for (const route of [...(this.#peers.get(from)?.routes.values() ?? [])]) {
      if (!this.#opening.has(route)) route.close();
    }
  }

  /** Once a second. */
  tick(): void {
    const now = this.#deps.now();
    for (const { run, heardAtMs, routes } of [...this.#peers.values()]) {
      if (now - heardAtMs > SILENT_AFTER_MS) for (const route of [...routes.values()]) route.close();
      else this.#say(run, frame(SIDE.OPENER, OP.HERE, 0));
    }
  }

  closeAll(): void {
    for (const { routes } of [...this.#peers.values()]) for (const route of [...routes.values()]) route.close();
  }

  async #onOpen(name: RouteName, request: RouteRequest | undefined): Promise<void> {
    const instance = request && (await this.#deps.directory.findRun(name.run));
    const route = instance && this.#add(name, instance.id);
    if (request === undefined || route === undefined) return this.#say(name.run, frame(SIDE.HOLDER, OP.CLOSE, name.id));
    route.say(OP.OPENED);
    const events = this.#deps.accept(request, route);
    if (events === undefined) route.close();
    else route.events = events;
  }

  #add(name: RouteName, peer: InstanceId): RedisRoute | undefined {
    const known = this.#peers.get(name.run) ?? { run: name.run, heardAtMs: this.#deps.now(), routes: new Map() };
    const key = keyOf(name.side, name.id);
    if (known.routes.has(key) || known.routes.size >= MAX_ROUTES_PER_RUN) return undefined;
    this.#peers.set(name.run, known);
    const route = new RedisRoute(
      { say: (message) => this.#say(name.run, message), onClose: (closed) => this.#end(closed) },
      { ...name, peer },
    );
    known.routes.set(key, route);
    return route;
  }

  #end(route: RedisRoute): void {
    const { run, side, id } = route.name;
    const known = this.#peers.get(run);
    if (!known?.routes.delete(keyOf(side, id))) return;
    if (known.routes.size === 0) this.#peers.delete(run);
    this.#opened(route, false);
    route.onEnd();
  }

  #opened(route: RedisRoute, isOpen: boolean): void {
    this.#opening.get(route)?.(isOpen);
    this.#opening.delete(route);
  }

  #say(to: RunId, message: readonly Uint8Array[]): void {
    this.#deps.courier.send(to, message);
  }
}

interface RouteName {
  run: RunId;
  /** Ours. */
  side: Side;
  id: number;
}

class RedisRoute implements Route {
  readonly path = "redis";
  readonly name: RouteName;
  readonly peer: InstanceId;
  events: RouteEvents | undefined;
  readonly #deps: { say(message: readonly Uint8Array[]): void; onClose(route: RedisRoute): void };
  #sent = 0;
  #acked = 0;
  #received = 0;
  #told = 0;
  #wasFull = false;

  constructor(
    deps: { say(message: readonly Uint8Array[]): void; onClose(route: RedisRoute): void },
    { peer, ...name }: RouteName & { peer: InstanceId },
  ) {
    this.#deps = deps;
    this.name = name;
    this.peer = peer;
  }

  get isFull(): boolean {
    const isFull = this.#sent - this.#acked > ROUTE_WINDOW_BYTES;
    if (isFull) this.#wasFull = true;
    return isFull;
  }

  send(bytes: Uint8Array): void {
    this.#sent += bytes.length;
    this.say(OP.DATA, bytes);
  }

  say(op: number, payload?: Uint8Array): void {
    this.#deps.say(frame(this.name.side, op, this.name.id, payload));
  }

  close(): void {
    this.say(OP.CLOSE);
    this.#deps.onClose(this);
  }

  onData(bytes: Buffer): void {
    this.#received += bytes.length;
    if (this.#received - this.#told >= ACK_EVERY_BYTES) {
      this.#told = this.#received;
      const taken = Buffer.alloc(8);
      taken.writeBigUInt64BE(BigInt(this.#received));
      this.say(OP.ACK, taken);
    }
    this.events?.onFrame(bytes);
  }

  onAck(taken: number): void {
    if (taken > this.#sent || taken < this.#acked) return;
    this.#acked = taken;
    if (!this.#wasFull || this.#sent - taken > ROUTE_WINDOW_BYTES / 2) return;
    this.#wasFull = false;
    this.events?.onRoom();
  }

  onEnd(): void {
    this.events?.onEnd();
  }
}

function keyOf(side: Side, id: number): string {
  return `${side} ${id}`;
}

function frame(side: Side, op: number, id: number, payload?: Uint8Array): readonly Uint8Array[] {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = ROUTE_KIND;
  header[1] = side;
  header[2] = op;
  header.writeUInt32BE(id, 3);
  return payload === undefined ? [header] : [header, payload];
}
