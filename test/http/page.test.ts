// The web terminal's files over HTTP: what a browser is told of them, and that nothing else can be had that way.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import { createPageFiles } from "../../src/server/page-files.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { type HttpEdge, startHttpEdge } from "../support/http-server.ts";

const PAGE = "<!doctype html><title>rexec</title>";
const SCRIPT = "console.log(1);".repeat(100);

let folder: string;
let stores: SqlStores;
let plane: ControlPlane;
let edge: HttpEdge;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "rexec-page-"));
  mkdirSync(join(folder, "web/assets"), { recursive: true });
  writeFileSync(join(folder, "secret.js"), "a secret");
  writeFileSync(join(folder, "web/index.html"), PAGE);
  writeFileSync(join(folder, "web/assets/main-1.js"), SCRIPT);
  writeFileSync(join(folder, "web/assets/main-1.js.gz"), gzipSync(SCRIPT));
  stores = await openPglite();
  plane = await startControlPlane(stores);
  edge = await startHttpEdge(plane, { page: createPageFiles(join(folder, "web")) });
});
afterAll(async () => {
  await edge.close();
  await plane.stop();
  await stores.close();
  rmSync(folder, { recursive: true });
});

/** As it travels: fetch would decompress it, and tidy the path up. */
function raw(path: string, headers: Record<string, string>) {
  return new Promise<{ status: number | undefined; coding: string | undefined; bytes: Buffer }>((resolve, reject) => {
    const { hostname: host, port } = new URL(edge.origin);
    get({ host, port, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({
          status: response.statusCode,
          coding: response.headers["content-encoding"],
          bytes: Buffer.concat(chunks),
        }),
      );
    }).on("error", reject);
  });
}

describe("the page", () => {
  it("is for everybody, asked for again each time, and runs and asks nothing of other hosts", async () => {
    const response = await edge.fetch("/");
    expect(await response.text()).toBe(PAGE);
    const headers = Object.fromEntries(response.headers);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
    });
    const policy = headers["content-security-policy"]?.split("; ") ?? [];
    expect(policy).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self' 'unsafe-inline'",
      "connect-src 'self'",
      "img-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
  });

  it("answers HEAD with the length alone", async () => {
    const response = await edge.fetch("/", { method: "HEAD" });
    expect({ length: response.headers.get("content-length"), text: await response.text() }).toEqual({
      length: String(PAGE.length),
      text: "",
    });
  });

  it("is not there where it was not built, and everything else is", async () => {
    const bare = await startHttpEdge(plane, { page: createPageFiles(join(folder, "nowhere")) });
    expect((await bare.fetch("/")).status).toBe(404);
    expect((await bare.fetch("/healthz")).status).toBe(200);
    await bare.close();
  });
});

describe("what the page loads", () => {
  it("is kept for good: another build gives it another name", async () => {
    const response = await edge.fetch("/assets/main-1.js");
    expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(response.headers.get("vary")).toBe("accept-encoding");
  });

  it.each([
    ["gzip, deflate, br", "gzip"],
    ["br;q=1, gzip;q=0.8", "gzip"],
    ["GZIP", "gzip"],
    ["identity", undefined],
    ["gzip;q=0", undefined],
    ["x-gzip2", undefined],
  ])("travels to a browser that says %j as %s", async (accepted, coding) => {
    const { bytes, ...answer } = await raw("/assets/main-1.js", { "accept-encoding": accepted });
    expect(answer).toEqual({ status: 200, coding });
    expect((coding === undefined ? bytes : gunzipSync(bytes)).toString()).toBe(SCRIPT);
  });

  it.each(["../secret.js", "..%2fsecret.js", "main-1.js.gz", "main-2.js", ".", "..", ""])("is not %j", async (name) => {
    expect((await raw(`/assets/${name}`, {})).status).toBe(404);
  });
});
