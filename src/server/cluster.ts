// The backplane of one instance among others: Postgres says who lives and who has which terminals, Redis says where agents
// are and carries events and questions, and routes go straight to the holder or over Redis.

import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { systemClock as clock } from "./adapters/node/clock.ts";
import { createRateLimits } from "./adapters/memory/rate-limits.ts";
import { createMessageSeals } from "./adapters/node/message-seals.ts";
import { listenForPeers, type PeerListener } from "./adapters/peer/peer-listener.ts";
import { PeerRoutes } from "./adapters/peer/peer-routes.ts";
import { createRedisLocations } from "./adapters/redis/agent-locations.ts";
import { Courier } from "./adapters/redis/courier.ts";
import { EventChannel } from "./adapters/redis/event-channel.ts";
import { type InstanceDirectory, RedisCalls } from "./adapters/redis/instance-calls.ts";
import { RedisMemoryWatch } from "./adapters/redis/memory-watch.ts";
import { createRedisAttemptLimits } from "./adapters/redis/rate-limits.ts";
import { openRedis } from "./adapters/redis/redis-connection.ts";
import { RedisRoutes, ROUTE_KIND } from "./adapters/redis/redis-routes.ts";
import type { SqlStores } from "./adapters/sql/sql-stores.ts";
import type { Backplane, BackplaneDeps, BackplaneEnds } from "./backplane.ts";
import type { ClusterConfig } from "./config.ts";
import { isForOtherInstances } from "./domain/events/for-other-instances.ts";
import type { AnswerCall } from "./domain/instances/instance-calls.ts";
import { InstanceObserver } from "./domain/instances/instance-observer.ts";
import type { RunId } from "./domain/instances/instances.ts";
import type { AcceptRoute, Routes } from "./domain/terminals/routes.ts";

export interface ClusterDeps extends BackplaneDeps {
  stores: SqlStores;
  /** Shared by all instances: what they say to each other is sealed under keys made from it. */
  secret: string;
  log: Logger;
}

const SLOTS_TICK_MS = 5_000;
const DRAIN_TIMEOUT_MS = 5_000;
const monotonicMs = (): number => clock.monotonicMs();

/** Rejects where the database does not answer or the port for other instances is taken. Redis may be away. */
export async function joinCluster(deps: ClusterDeps, config: ClusterConfig): Promise<Backplane> {
  const { instanceId, events, stores, log } = deps;
  const run = randomUUID() as RunId;
  const seals = createMessageSeals(deps.secret);
  let ends: BackplaneEnds | undefined;
  const accept: AcceptRoute = (request, route) => ends?.accept(request, route);

  let redisIsUp = false;
  const redis = openRedis({
    url: config.redisUrl,
    onState(state) {
      redisIsUp = state === "up";
      log[redisIsUp ? "info" : "warn"]({}, redisIsUp ? "Redis is there" : "Redis is away");
      if (redisIsUp) ends?.onLocationsLost();
    },
    onError: (err) => log.warn({ err }, "Redis"),
  });
  const now = monotonicMs;
  const shared = { run, seals, log, now, commands: redis.commands, subscriber: redis.subscriber };
  const courier = new Courier(shared);
  const isForOthers = isForOtherInstances({ events, now });
  let known: InstanceObserver | undefined;
  const liveRuns = () => known?.otherRuns() ?? [];
  const channel = new EventChannel({ ...shared, instanceId, events, isForOthers, liveRuns });
  const memory = new RedisMemoryWatch({ commands: redis.commands, run, onLost: () => ends?.onLocationsLost() });

  let peers: PeerListener | undefined;
  try {
    const findRun: InstanceDirectory["findRun"] = async (of) => known?.findRun(of);
    if (config.peer) peers = await listenForPeers({ run, seals, accept, findRun, log }, config.peer);
    const peerUrl = config.peer && (config.peer.url ?? `ws://${config.peer.host}:${peers?.port}`);
    const observer = new InstanceObserver({
      clock,
      monotonicMs,
      store: stores.instances,
      events,
      // What every instance sees by itself is told to nobody else.
      localEvents: { publish: (event) => events.deliver(event, instanceId) },
      log,
      own: { run, id: instanceId, version: deps.version, ...(peerUrl === undefined ? {} : { peerUrl }) },
      load: () => ({ ...deps.load(), busLagMs: channel.lagMs }),
      onDrain: deps.onDrain,
      onRevived() {
        ends?.onRevived();
        slots.reacquire().catch((err: unknown) => log.warn({ err }, "slots not put back yet"));
      },
      askToDrain: (of) => calls.ask(observer.byRun(of)?.id ?? instanceId, { ask: "drain" }, DRAIN_TIMEOUT_MS),
    });
    known = observer;
    const answer: AnswerCall = async (question) => {
      if (ends === undefined) throw new Error("not serving yet");
      return ends.answer(question);
    };
    const calls = new RedisCalls({ courier, directory: observer, answer, log });
    const overRedis = new RedisRoutes({ courier, directory: observer, accept, now });
    const direct = new PeerRoutes({ run, seals, find: (id) => observer.find(id), now, log });
    const routes: Routes = {
      open: async (to, routeEvents) => (await direct.open(to, routeEvents)) ?? overRedis.open(to, routeEvents),
    };
    const slots = stores.terminalSlots({
      run,
      clock,
      onChange: (userId) => events.publish({ type: "limits.changed", userId }),
    });
    await observer.enter();
    let slotsTickedAtMs = monotonicMs();

    return {
      instances: observer,
      locations: createRedisLocations(redis.commands),
      routes,
      calls,
      slots,
      attempts: createRedisAttemptLimits({
        redis: redis.commands,
        clock,
        rates: deps.rates,
        inProcess: (share) => createRateLimits({ clock, ...share }),
      }),
      async start(given) {
        ends = given;
        const listening = Promise.all([
          courier.start({
            onMessage: (from, payload) =>
              payload[0] === ROUTE_KIND ? overRedis.onMessage(from, payload) : calls.onMessage(from, payload),
            onGap: (from) => overRedis.onGap(from),
          }),
          channel.start(),
        ]);
        await listening.catch((err: unknown) => log.warn({ err }, "serving without Redis until it answers"));
      },
      tick() {
        observer.beat();
        overRedis.tick();
        memory.tick(monotonicMs());
        if (monotonicMs() - slotsTickedAtMs < SLOTS_TICK_MS) return;
        slotsTickedAtMs = monotonicMs();
        slots.tick().catch((err: unknown) => log.warn({ err }, "slots not given back yet"));
      },
      figures: () => ({
        redisIsUp,
        busIsUp: channel.state === "up",
        busLagMs: channel.lagMs,
        others: observer.others().length,
      }),
      async close() {
        overRedis.closeAll();
        await peers?.close();
        // What it has left behind the others are still told.
        await observer.leave();
        channel.stop();
        courier.stop();
        redis.close();
      },
    };
  } catch (error) {
    redis.close();
    await peers?.close();
    throw error;
  }
}
