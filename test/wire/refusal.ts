// A refused handshake, as clients read it.

import { expect } from "vitest";
import { type DialOptions, WireSocket } from "./wire-socket.ts";

export async function refusal(url: string, options: DialOptions) {
  const { status, headers, body } = await WireSocket.refused(url, options);
  expect(headers["content-type"]).toBe("application/json");
  expect(headers["cache-control"]).toBe("no-store");
  return { status, body: JSON.parse(body) as Record<string, unknown>, retryAfter: headers["retry-after"] };
}
