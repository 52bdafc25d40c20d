// Routes straight to the instance that holds an agent, where that can be reached.

import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { WebSocket } from "ws";
import type { InstanceId, RunId } from "../../../protocol/ids.ts";
import { MAX_CONTROL_BYTES } from "../../../protocol/limits.ts";
import type { AgentLocation } from "../../domain/agents/locations.ts";
import { type MessageSeals, SEAL_BYTES } from "../../domain/instances/message-seal.ts";
import type { Log } from "../../domain/log.ts";
import type { Route, RouteEvents } from "../../domain/terminals/routes.ts";
import { isNonce, NONCE_HEX_DIGITS, ROUTE_HEADER, routeKeys, writeHello } from "./peer-handshake.ts";
import { SealedRoute } from "./sealed-route.ts";

export interface PeerRoutesDeps {
  run: RunId;
  seals: MessageSeals;
  /** Where an instance is reached; undefined where it is not known to live. */
  find(instanceId: InstanceId): Promise<{ run: RunId; peerUrl?: string | undefined } | undefined>;
  /** Milliseconds that only grow. */
  now(): number;
  log: Log;
}

const OPEN_TIMEOUT_MS = 2_000;
/** An instance that could not be reached is not tried again so soon. */
const UNREACHABLE_FOR_MS = 15_000;
/** Instances that could not be reached; the oldest is tried again above. */
const MAX_UNREACHABLE = 1_000;

export class PeerRoutes {
  readonly #deps: PeerRoutesDeps;
  readonly #unreachable: LRUCache<RunId, true>;

  constructor(deps: PeerRoutesDeps) {
    this.#deps = deps;
    // ttlResolution 0: without it, lru-cache remembers the time for a millisecond of the real clock.
    const time = { perf: { now: () => deps.now() }, ttlResolution: 0 };
    this.#unreachable = new LRUCache({ max: MAX_UNREACHABLE, ttl: UNREACHABLE_FOR_MS, ...time });
  }

  /** Undefined where there is no such way; one that is refused has opened, and ends at once. */
  async open(to: AgentLocation, events: RouteEvents): Promise<Route | undefined> {
    const holder = await this.#deps.find(to.instanceId);
    if (holder?.peerUrl === undefined || this.#unreachable.has(holder.run)) return undefined;
    const { run, peerUrl } = holder;
    const route = await this.#dial({ run, peerUrl }, to, events);
    if (route === undefined) {
      this.#unreachable.set(run, true);
      const fault = { instanceId: to.instanceId, peerUrl, forSeconds: UNREACHABLE_FOR_MS / 1000 };
      this.#deps.log.warn(fault, "instance not reached directly: its routes go over Redis");
    }
    return route;
  }

  #dial(
    { run, peerUrl }: { run: RunId; peerUrl: string },
    to: AgentLocation,
    events: RouteEvents,
  ): Promise<Route | undefined> {
    const { seals, run: from } = this.#deps;
    const nonce = randomBytes(NONCE_HEX_DIGITS / 2).toString("hex");
    const request = { agentId: to.agentId, connectionId: to.connectionId };
    const socket = new WebSocket(new URL("/route", peerUrl), {
      headers: { [ROUTE_HEADER]: writeHello(seals, { from, nonce, request }, run) },
      perMessageDeflate: false,
      maxPayload: MAX_CONTROL_BYTES + SEAL_BYTES,
      handshakeTimeout: OPEN_TIMEOUT_MS,
      followRedirects: false,
      // Sealed bytes look like nothing that a proxy could mistake.
      generateMask: zeroMask,
    });
    const { promise, resolve } = Promise.withResolvers<Route | undefined>();
    const timer = setTimeout(() => socket.terminate(), OPEN_TIMEOUT_MS);
    let isGreeted = false;
    socket.on("error", () => {});
    socket.once("message", (said: Buffer) => {
      const holderNonce = said.toString("latin1");
      if (!isNonce(holderNonce)) return socket.terminate();
      isGreeted = true;
      clearTimeout(timer);
      const keys = routeKeys(seals, { from, nonce }, { to: run, holderNonce, side: "opener" });
      const route = new SealedRoute(socket, keys, to.instanceId);
      route.events = events;
      route.send(NOTHING);
      resolve(route);
    });
    socket.once("close", () => {
      clearTimeout(timer);
      if (!isGreeted) resolve(undefined);
    });
    return promise;
  }
}

const NOTHING = new Uint8Array(0);

function zeroMask(mask: Uint8Array): void {
  mask.fill(0);
}
