// The plain HTTP edge on a free port, over the same wiring as a control plane's gRPC.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  createHttpHandler,
  HTTP_SERVER_OPTIONS,
  type HttpDeps,
} from "../../src/server/transports/http/http-handler.ts";
import type { ControlPlane } from "./control-plane.ts";

export interface HttpEdge {
  origin: string;
  /** `token`: as a bearer's; `json`: the body. */
  fetch(path: string, request?: HttpRequest): Promise<Response>;
  close(): Promise<void>;
}

export interface HttpRequest extends RequestInit {
  token?: string | undefined;
  json?: unknown;
}

export async function startHttpEdge(
  plane: ControlPlane,
  change: Partial<HttpDeps> = {},
  routes?: Parameters<typeof createHttpHandler>[1],
): Promise<HttpEdge> {
  const readiness = { problems: async () => [] };
  const metricsPage = async () => ({ status: 200, body: {} });
  const handler = createHttpHandler(
    { ...plane.deps, readiness, metricsPage, page: { find: () => undefined }, isDraining: () => false, ...change },
    routes,
  );
  const server = createServer(HTTP_SERVER_OPTIONS, handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    fetch(path, { token, json, ...init } = {}) {
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
      if (json === undefined) return fetch(origin + path, { ...init, headers });
      headers.set("content-type", "application/json");
      return fetch(origin + path, { ...init, headers, body: JSON.stringify(json) });
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
