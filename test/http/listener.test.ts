// The end of the HTTP server: what runs may end, for as long as the grace.
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { closeHttp, createHttpListener, listen } from "../../src/server/http-listener.ts";

/** A server with one request under way. */
async function requestUnderWay() {
  const { server } = createHttpListener(undefined, () => {});
  const port = await listen(server, { host: "127.0.0.1", port: 0 });
  const arrived = once(server, "request");
  const answer = fetch(`http://127.0.0.1:${port}/`).then(
    (response) => response.status,
    () => "cut off",
  );
  const [, response] = (await arrived) as [unknown, ServerResponse];
  return { server, response, answer };
}

it("a request that runs when the server ends is answered", async () => {
  const { server, response, answer } = await requestUnderWay();
  const closed = closeHttp(server, 60_000);
  response.end("done");
  expect(await answer).toBe(200);
  await closed;
});

it("a request that does not end is cut off after the grace", async () => {
  const { server, answer } = await requestUnderWay();
  await closeHttp(server, 10);
  expect(await answer).toBe("cut off");
});
