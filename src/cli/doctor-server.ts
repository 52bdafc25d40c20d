// What `rexec doctor` asks the server: whether it lives, whom it takes us for, whether WebSockets get through.

import { randomUUID } from "node:crypto";
import { ChannelCredentials, Client } from "@grpc/grpc-js";
import type { ServerList } from "../protocol/server-list.ts";
import type { SocketDown } from "../client/socket.ts";
import { callerName, fetchCaller } from "./caller.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, withApiOf } from "./command-context.ts";
import { failed, type Finding, ok, reasonOf, skipped } from "./doctor-finding.ts";
import { nodeSockets } from "./node-socket.ts";
import type { Target } from "./target.ts";

/** Tokens and codes are good for minutes; a clock that is off by more refuses good ones. */
const MAX_CLOCK_DIFFERENCE_S = 30;

export async function checkServer(
  target: Target,
  timeoutMs: number,
  context: Pick<CommandContext, "signal">,
): Promise<Finding[]> {
  const { servers, grpcAddresses } = target;
  const [http, grpc, token, webSocket] = await Promise.all([
    ofEach(servers, (server) => checkHttp(server, timeoutMs)),
    ofEach(grpcAddresses, async (address) => [await checkGrpc(address, target, timeoutMs)]),
    checkToken(target, timeoutMs, context),
    ofEach(servers, async (server) => [await checkWebSocket(server, target, timeoutMs)]),
  ]);
  return [...http, ...grpc, token, ...webSocket];
}

/** Where there are several, each check says of which one it is. */
async function ofEach(list: ServerList, check: (address: string) => Promise<Finding[]>): Promise<Finding[]> {
  const named = async (address: string): Promise<Finding[]> => {
    const findings = await check(address);
    if (list.length === 1) return findings;
    return findings.map((finding) => ({ ...finding, check: `${finding.check} ${address}` }));
  };
  return (await Promise.all(list.map(named))).flat();
}

async function checkHttp(origin: string, timeoutMs: number): Promise<Finding[]> {
  let health: Response;
  try {
    health = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(timeoutMs) });
    if (health.status !== 200) throw new Error(`/healthz is ${health.status}: something else answers there`);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = `${origin}: ${reasonOf(cause)}`;
    const hint = "start a server with `rexec up`, or say where it is with --server or REXEC_HOST";
    return [failed("server", why, hint), ...["server ready", "clock"].map((check) => skipped(check, "no server"))];
  }
  return [ok("server", origin), await checkReady(origin, timeoutMs), checkClock(health.headers.get("date"))];
}

async function checkReady(origin: string, timeoutMs: number): Promise<Finding> {
  try {
    const ready = await fetch(`${origin}/readyz`, { signal: AbortSignal.timeout(timeoutMs) });
    if (ready.status === 200) return ok("server ready", "it takes calls");
    const { problems } = (await ready.json()) as { problems?: unknown };
    const found = Array.isArray(problems) ? problems.join(", ") : `/readyz is ${ready.status}`;
    return failed("server ready", found, "see its log; an instance that drains takes calls again once restarted");
  } catch (error) {
    return failed("server ready", reasonOf(error), "see the server's log");
  }
}

function checkClock(date: string | null, now = Date.now()): Finding {
  const serverMs = Date.parse(date ?? "");
  if (Number.isNaN(serverMs)) return skipped("clock", "the server does not say what time it has");
  // The header has whole seconds.
  const differenceS = Math.round((now - serverMs) / 1000);
  const found = `${Math.abs(differenceS)} s ${differenceS < 0 ? "behind" : "ahead of"} the server's`;
  if (Math.abs(differenceS) <= MAX_CLOCK_DIFFERENCE_S) return ok("clock", found);
  return failed("clock", found, "set both clocks by NTP: tokens and codes are good for minutes only");
}

async function checkGrpc(grpcAddress: string, { isEncrypted }: Target, timeoutMs: number): Promise<Finding> {
  const channel = isEncrypted ? ChannelCredentials.createSsl() : ChannelCredentials.createInsecure();
  const client = new Client(grpcAddress, channel, { "grpc.enable_http_proxy": isEncrypted ? 1 : 0 });
  try {
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + timeoutMs, (error) => (error ? reject(error) : resolve()));
    });
    return ok("gRPC", grpcAddress);
  } catch {
    // grpc-js only says that the time has run out.
    const hint = "say where it is with --grpc host:port; a proxy before it must pass HTTP/2";
    return failed("gRPC", `${grpcAddress}: no connection in ${timeoutMs} ms`, hint);
  } finally {
    client.close();
  }
}

async function checkToken(
  target: Target,
  timeoutMs: number,
  context: Pick<CommandContext, "signal">,
): Promise<Finding> {
  const { token } = target;
  if (token === undefined) return failed("token", "none", "log in with `rexec login`, or set REXEC_TOKEN");
  try {
    const caller = await withApiOf({ ...target, token }, { timeout: timeoutMs }, context, (api) =>
      fetchCaller(api, token),
    );
    return ok("token", `of ${callerName(caller)}${caller.scope === undefined ? "" : `, scope ${caller.scope}`}`);
  } catch (error) {
    if (error instanceof CliError && (error.reason === "UNREACHABLE" || error.reason === "TIMEOUT"))
      return skipped("token", "gRPC is not reached");
    const hint = error instanceof CliError ? error.hint : undefined;
    return failed("token", reasonOf(error), hint ?? "log in anew with `rexec login`");
  }
}

/** Knocks at a terminal that can't be: only a server that was asked for a WebSocket refuses it in these words. */
async function checkWebSocket(origin: string, { token }: Target, timeoutMs: number): Promise<Finding> {
  const down = Promise.withResolvers<SocketDown>();
  const url = `${origin.replace(/^http/, "ws")}/ws/agent/${randomUUID()}/terminal`;
  const socket = nodeSockets(token ?? "").connect(
    { url, protocols: ["rexec.v2"] },
    { open: () => {}, message: () => {}, ping: () => {}, down: (cause) => down.resolve(cause) },
  );
  const timer = setTimeout(() => {
    socket.terminate();
    down.resolve({ kind: "failed", message: `no answer in ${timeoutMs} ms` });
  }, timeoutMs);
  const answer = await down.promise;
  clearTimeout(timer);
  if (answer.kind === "refused" && /"reason":"(AGENT_NOT_FOUND|TOKEN_INVALID|NOT_AUTHORIZED)"/.test(answer.body))
    return ok("WebSocket", "handshakes reach the server");
  if (answer.kind === "refused") {
    const hint = "a proxy before the server must pass `Connection: Upgrade` and `Upgrade: websocket`";
    return failed("WebSocket", `the handshake is answered with ${answer.status}`, hint);
  }
  const why = answer.kind === "failed" ? answer.message : `closed with ${answer.code}`;
  return failed("WebSocket", why, "see that the server is reached, and that no proxy stands in the way");
}
