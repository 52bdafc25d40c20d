// A page of another origin, in a real browser, gets nothing of this server: no WebSocket, no answer, no frame.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { closeBrowser, openPage } from "./page-under-test.ts";

let server: TestServer;
let agent: RunningAgent;
let agentId: AgentId;
let elsewhere: Server;
let elsewhereUrl: string;

beforeAll(async () => {
  server = await startTestServer();
  const box = await server.registerAgent("box");
  ({ agentId } = box);
  agent = await startTestAgent({ wsUrl: server.wsUrl, ...box });
  elsewhere = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>elsewhere</title>");
  }).listen(0, "127.0.0.1");
  await once(elsewhere, "listening");
  elsewhereUrl = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  await closeBrowser();
  elsewhere?.closeAllConnections();
  elsewhere?.close();
  await agent?.stop("the test is over");
  await server?.close();
});

it("is refused with 403 and not one byte, though it knows the token", async () => {
  const under = await openPage(elsewhereUrl);
  const refusals: string[] = [];
  under.page.on("websocket", (socket) => socket.on("socketerror", (error) => refusals.push(error)));
  const dial = (origin: string): Promise<unknown> =>
    under.page.evaluate(
      `new Promise((done) => {
        const socket = new WebSocket(${JSON.stringify(origin)} + "/ws/agent/${agentId}/terminal", ["rexec.v2", "rexec.token.${server.adminToken}"]);
        let bytes = 0;
        let wasOpen = false;
        socket.onopen = () => { wasOpen = true; socket.close(); };
        socket.onmessage = ({ data }) => { bytes += data.size ?? data.length; };
        socket.onclose = ({ code }) => done({ code, wasOpen, bytes });
      })`,
    );
  expect(await dial(server.wsUrl)).toEqual({ code: 1006, wasOpen: false, bytes: 0 });
  await expect.poll(() => refusals).toEqual([expect.stringContaining("Unexpected response code: 403")]);

  // The same from the server's own page is a WebSocket: the refusal is the origin's.
  await under.page.goto(server.httpUrl);
  expect(await dial(server.wsUrl)).toMatchObject({ wasOpen: true });
  await under.close();
});

it("can read no answer of the API, and can't show the page within its own", async () => {
  const under = await openPage(elsewhereUrl);
  const read = await under.page.evaluate(
    `fetch("${server.httpUrl}/api/agents", { headers: { authorization: "Bearer ${server.adminToken}" } })
      .then((response) => response.text(), (error) => error.name)`,
  );
  expect(read).toBe("TypeError");
  const framed = await under.page.evaluate(
    `new Promise((done) => {
      const frame = document.createElement("iframe");
      frame.onload = () => {
        try { done(frame.contentDocument === null ? "opaque" : "readable"); } catch { done("opaque"); }
      };
      frame.src = "${server.httpUrl}/";
      document.body.append(frame);
    })`,
  );
  expect(framed).toBe("opaque");
  expect(under.page.frames().map((frame) => frame.url())).not.toContain(`${server.httpUrl}/`);
  expect(under.complaints.join("\n")).toContain("frame-ancestors");
  await under.close();
});
