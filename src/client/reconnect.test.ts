// Which ends are final, and which are waited out.
import { describe, expect, it } from "vitest";
import { judge } from "./reconnect.ts";
import type { SocketDown } from "./socket.ts";

const first = { wasOpen: false, waitForAgent: false };
const later = { wasOpen: true, waitForAgent: false };
const closed = (code: number, reason = ""): SocketDown => ({ kind: "closed", code, reason });
const refused = (status: number, body = "", retryAfterS?: number): SocketDown => ({
  kind: "refused",
  status,
  body,
  retryAfterS,
});

describe("judge", () => {
  it.each([
    [closed(4401), "TOKEN_INVALID"],
    [closed(4403), "NOT_AUTHORIZED"],
    [closed(4404), "AGENT_NOT_FOUND"],
    [closed(4404, "session not found"), "SESSION_NOT_FOUND"],
    [closed(4423), "MFA_REQUIRED"],
    [closed(4429), "AGENT_TERMINAL_LIMIT_REACHED"],
    [refused(401, '{"error":"invalid token"}'), "TOKEN_INVALID"],
    [refused(403, '{"error":"agent terminal limit reached for your plan"}'), "AGENT_TERMINAL_LIMIT_REACHED"],
    [refused(403), "NOT_AUTHORIZED"],
    [refused(404, '{"error":"agent not found"}'), "AGENT_NOT_FOUND"],
    [refused(423), "MFA_REQUIRED"],
    [closed(4401, "share has ended"), "SHARE_ENDED"],
    [refused(401, '{"error":"share has ended"}'), "SHARE_ENDED"],
    [closed(1007, "bad frame"), "PROTOCOL"],
  ])("gives up for good on %j", (down, reason) => {
    expect(judge(down, later)).toMatchObject({ kind: "final", reason });
  });

  it.each([
    closed(1000),
    closed(1001),
    closed(1006),
    closed(1011),
    closed(1012),
    closed(1013),
    closed(4429, "too many attempts"),
    refused(503, '{"error":"agent reconnecting"}'),
    refused(502, "<html>"),
    refused(429),
    { kind: "failed", message: "ECONNREFUSED" } as const,
  ])("comes back after %j", (down) => {
    expect(judge(down, first).kind).toBe("retry");
    expect(judge(down, later).kind).toBe("retry");
  });

  it.each([closed(4409), refused(404, '{"error":"agent not online"}')])(
    "waits for an offline agent only once it was open, or when asked to: %j",
    (down) => {
      expect(judge(down, first)).toMatchObject({ kind: "final", reason: "AGENT_OFFLINE" });
      expect(judge(down, later).kind).toBe("retry");
      expect(judge(down, { wasOpen: false, waitForAgent: true }).kind).toBe("retry");
    },
  );

  it("waits for a place on a share that it had one on, and for none that others have", () => {
    const full = refused(429, '{"error":"too many viewers of this share"}');
    expect(judge(full, first)).toMatchObject({ kind: "final", reason: "SHARE_FULL" });
    expect(judge(full, later).kind).toBe("retry");
  });

  it("takes a 404 that is not ours as a wrong address at first, and as a proxy's trouble later", () => {
    expect(judge(refused(404, "<html>"), first)).toMatchObject({ kind: "final", reason: "PROTOCOL" });
    expect(judge(refused(404, "<html>"), later).kind).toBe("retry");
  });

  it("knows the end of the shell from the end of the connection", () => {
    expect(judge(closed(4420, "exit 3"), later)).toEqual({ kind: "ended", reason: "exit 3" });
  });

  it.each([
    [closed(1012), true],
    [refused(503, '{"error":"server draining"}'), true],
    [refused(503, "<html>"), true],
    [refused(503, '{"error":"agent reconnecting"}'), false],
    [refused(502, "<html>"), false],
  ])("knows a server that sends its callers elsewhere: %j", (down, isDraining) => {
    expect(judge(down, later)).toMatchObject({ kind: "retry", isDraining });
  });

  it("does not resume with offsets that the server has called impossible", () => {
    expect(judge(closed(4400), later)).toMatchObject({ kind: "retry", forgetResume: true });
  });
});
