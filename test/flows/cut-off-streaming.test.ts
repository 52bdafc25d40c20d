// A shell floods through a real agent and server, and what let its viewer in ends: the last byte comes within 2 s.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import {
  CreateTokenRequest,
  type CreateTokenResponse,
  TokenScope,
} from "../../src/gen/rexec/token/v1/token_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { openShellViewer, printed } from "../support/shell-viewer.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";

const LIMIT_MS = 2_000;

let server: TestServer;
let agent: RunningAgent;
let agentId: AgentId;

beforeAll(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  const registered = await server.registerAgent();
  agentId = registered.agentId;
  agent = await startTestAgent({ wsUrl: server.wsUrl, ...registered });
  return () => agent.stop("the test is over");
});
afterAll(() => server.close());

/** A viewer with a token of its own, whose shell floods; `lastByteAtMs` moves with every byte. */
async function floodedViewer() {
  const request = CreateTokenRequest.fromPartial({ name: "viewer", scopes: [TokenScope.TOKEN_SCOPE_WRITE] });
  const { secret, token } = (await call(
    server.tokens,
    "createToken",
    request,
    server.adminToken,
  )) as CreateTokenResponse;
  let lastByteAtMs = 0;
  let bytes = 0;
  const viewer = openShellViewer({
    wsUrl: server.wsUrl,
    agentId,
    token: secret,
    consumer: {
      output(chunk, consumed) {
        lastByteAtMs = performance.now();
        bytes += chunk.length;
        consumed();
      },
      event: () => {},
    },
  });
  viewer.type("yes more output\n");
  await expect.poll(() => bytes, { timeout: 20_000 }).toBeGreaterThan(1_000_000);
  return {
    viewer,
    tokenId: token?.id ?? "",
    lastByteAtMs: () => lastByteAtMs,
    /** Resolves with the time at which bytes still came. */
    async streams(): Promise<number> {
      const before = bytes;
      await expect.poll(() => bytes, { interval: 1 }).toBeGreaterThan(before);
      return performance.now();
    },
  };
}

/** Another viewer of the same shell, who stays. */
function witness() {
  return openShellViewer({ wsUrl: server.wsUrl, agentId, token: server.adminToken });
}

describe("the viewer of a flooding shell", () => {
  it("gets its last byte within 2 s of its token's revocation; the shell goes on for others", async () => {
    const { viewer, tokenId, lastByteAtMs, streams } = await floodedViewer();
    const startMs = await streams();
    await call(server.tokens, "revokeToken", { tokenId }, server.adminToken);
    expect(await viewer.terminal.closed).toMatchObject({ kind: "failed", reason: "TOKEN_INVALID" });
    expect(lastByteAtMs() - startMs).toBeLessThan(LIMIT_MS);
    const other = witness();
    await other.opened();
    other.type("\u0003");
    other.type("echo still he''re\n");
    await other.shows(printed("still here"));
    other.terminal.close();
  });

  it("gets its last byte within 2 s of its agent's deletion", async () => {
    const { viewer, lastByteAtMs, streams } = await floodedViewer();
    const startMs = await streams();
    await call(server.agents, "deleteAgent", { agentId }, server.adminToken);
    expect(await viewer.terminal.closed).toMatchObject({ kind: "failed", reason: "AGENT_NOT_FOUND" });
    expect(lastByteAtMs() - startMs).toBeLessThan(LIMIT_MS);
  });
});
