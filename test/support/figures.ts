// What a server says of itself to its operators, as tests wait for it.

import { expect } from "vitest";
import type { TestServer } from "./test-server.ts";

/** Every series of /metrics by its name, labels included. */
export async function figuresOf({ httpUrl }: Pick<TestServer, "httpUrl">): Promise<Record<string, number>> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

/** Waits until all of these servers say so. */
export async function saysOn(
  servers: readonly TestServer[],
  figures: Record<string, number>,
  timeoutMs = 30_000,
): Promise<void> {
  for (const server of servers) {
    await expect.poll(() => figuresOf(server), { timeout: timeoutMs, interval: 200 }).toMatchObject(figures);
  }
}

/** The status of /readyz. */
export async function readinessOf({ httpUrl }: Pick<TestServer, "httpUrl">): Promise<number> {
  return (await fetch(`${httpUrl}/readyz`)).status;
}
