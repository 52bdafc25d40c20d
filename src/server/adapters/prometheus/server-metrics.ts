// Agents, viewers, sockets, queues, the event loop and the database, as gauges and counters that are read when asked.

import { Counter, Gauge, type Registry } from "prom-client";
import type { ServerFigures, SocketFigures } from "../../domain/metrics.ts";

type Reading = readonly [labels: Record<string, string>, value: number];

/** A database that takes longer counts as down: a scrape must end. */
const PING_TIMEOUT_MS = 2_000;

export function registerServerMetrics(registry: Registry, figures: ServerFigures): void {
  const registers = [registry];

  function gauge(name: string, help: string, read: () => number | Reading[], labelNames: string[] = []): void {
    const collect = function (this: Gauge): void {
      for (const [labels, value] of readings(read())) this.set(labels, value);
    };
    new Gauge({ name, help, labelNames, registers, collect });
  }
  function counter(name: string, help: string, read: () => Reading[], labelNames: string[]): void {
    const collect = function (this: Counter): void {
      this.reset();
      for (const [labels, value] of read()) this.inc(labels, value);
    };
    new Counter({ name, help, labelNames, registers, collect });
  }
  const perPeer = (pick: (sockets: SocketFigures) => number): Reading[] =>
    Object.entries(figures.sockets()).map(([peer, sockets]) => [{ peer }, pick(sockets)]);
  const perProtocol = (counts: Record<string, number>): Reading[] =>
    Object.entries(counts).map(([protocol, value]) => [{ protocol }, value]);

  gauge("rexec_agents", "agents connected now", () => perProtocol(figures.terminals().agents), ["protocol"]);
  gauge("rexec_viewers", "viewers on a shell now", () => perProtocol(figures.terminals().viewers), ["protocol"]);
  gauge("rexec_recordings", "shells that are being recorded", () => figures.terminals().recorders);
  gauge("rexec_viewers_behind", "viewers that lack output of their shell", () => figures.terminals().viewersBehind);
  gauge("rexec_sessions", "shells that run", () => figures.terminals().sessions);
  gauge("rexec_sockets", "WebSockets open now", () => perPeer(({ open }) => open), ["peer"]);
  gauge("rexec_socket_unsent_bytes", "waiting for the kernel", () => perPeer((s) => s.unsentBytes), ["peer"]);
  gauge("rexec_socket_unsent_bytes_max", "of one socket", () => perPeer((s) => s.mostUnsentBytes), ["peer"]);
  counter("rexec_socket_received_bytes_total", "on the wire", () => perPeer((s) => s.receivedBytes), ["peer"]);
  counter("rexec_socket_sent_bytes_total", "on the wire", () => perPeer((s) => s.sentBytes), ["peer"]);
  counter(
    "rexec_handshakes_refused_total",
    "WebSocket handshakes refused, by the reason in the error table",
    () => [...figures.refusedHandshakes()].map(([reason, count]) => [{ reason }, count]),
    ["reason"],
  );
  gauge("rexec_audit_records_pending", "refusals on their way to the audit log", () => figures.pendingAuditRecords());
  gauge("rexec_token_uses_pending", "tokens whose last use is not saved yet", () => figures.pendingTokenUses());
  gauge("rexec_draining", "1 while the instance takes nothing new", () => Number(figures.isDraining()));
  gauge(
    "rexec_event_loop_delay_seconds",
    "how late the event loop was in the last ten seconds",
    () => {
      const { p50Ms, p99Ms, maxMs } = figures.eventLoop();
      const of = { p50: p50Ms, p99: p99Ms, max: maxMs };
      return Object.entries(of).map(([statistic, ms]) => [{ statistic }, ms / 1000]);
    },
    ["statistic"],
  );
  const routes = (): Reading[] =>
    Object.entries(figures.terminals().routes).flatMap(([direction, paths]) =>
      Object.entries(paths).map(([path, value]): Reading => [{ direction, path }, value]),
    );
  const help = "to agents that other instances hold, and from others to agents here, straight or over Redis";
  gauge("rexec_routes", help, routes, ["direction", "path"]);
  if (figures.backplane() !== undefined) registerBackplane(gauge, figures);
  registerPing(registry, figures);
}

function registerBackplane(
  gauge: (name: string, help: string, read: () => number) => void,
  { backplane }: Pick<ServerFigures, "backplane">,
): void {
  gauge("rexec_redis_up", "1 where Redis takes commands and is listened to", () => Number(backplane()?.redisIsUp));
  gauge("rexec_bus_up", "1 where events of other instances come", () => Number(backplane()?.busIsUp));
  gauge(
    "rexec_bus_lag_seconds",
    "from an event's sending to its coming back",
    () => (backplane()?.busLagMs ?? 0) / 1000,
  );
  gauge("rexec_other_instances", "that live", () => backplane()?.others ?? 0);
}

function registerPing(registry: Registry, { ping }: Pick<ServerFigures, "ping">): void {
  const registers = [registry];
  let underWay: Promise<number | undefined> | undefined;
  /** Seconds; undefined where there is no answer. Both gauges are read at once: they share one ping. */
  function measure(): Promise<number | undefined> {
    const startedAt = performance.now();
    underWay ??= within(PING_TIMEOUT_MS, ping).then((answered) => {
      underWay = undefined;
      return answered ? (performance.now() - startedAt) / 1000 : undefined;
    });
    return underWay;
  }
  new Gauge({
    name: "rexec_database_up",
    help: "1 where the database answers",
    registers,
    async collect() {
      this.set(Number((await measure()) !== undefined));
    },
  });
  new Gauge({
    name: "rexec_database_ping_seconds",
    help: "how long the database took to answer; NaN where it did not",
    registers,
    async collect() {
      this.set((await measure()) ?? Number.NaN);
    },
  });
}

/** Whether `work` succeeds in time. Why not is logged by those who have to act on it: /readyz and the calls. */
async function within(timeoutMs: number, work: () => Promise<void>): Promise<boolean> {
  const timeout = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => timeout.resolve(false), timeoutMs);
  try {
    return await Promise.race([
      work().then(
        () => true,
        () => false,
      ),
      timeout.promise,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function readings(read: number | Reading[]): Reading[] {
  return typeof read === "number" ? [[{}, read]] : read;
}
