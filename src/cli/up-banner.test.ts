// The banner's commands can be pasted.
import { describe, expect, it } from "vitest";
import { quoted, renderBanner } from "./up-banner.ts";

const facts = {
  httpPort: 7070,
  grpcPort: 7071,
  agentName: "my box",
  adminTokenFile: "/s/admin-token",
  logFile: "/s/server.log",
  otherContext: undefined,
};

describe("renderBanner", () => {
  it("names the agent so that a shell takes it, and both ports", () => {
    const text = renderBanner(facts);
    expect(text).toContain("rexec attach 'my box'");
    expect(text).toContain("in a browser, with the token in /s/admin-token:\n  http://127.0.0.1:7070/\n");
    expect(text).toContain("rexec serves http://127.0.0.1:7070 and gRPC on 127.0.0.1:7071; its log is /s/server.log\n");
    expect(text).toContain("\n  rexec agent invite ");
  });

  it("says which context, where it is not the current one", () => {
    const text = renderBanner({ ...facts, otherContext: "local" });
    expect(text).toContain("rexec --context local attach");
    expect(text).toContain("rexec --context local admin ");
    expect(text).toContain("rexec --context local agent invite ");
  });
});

describe("quoted", () => {
  it("quotes what a shell would read otherwise", () => {
    expect(quoted("a-b.c")).toBe("a-b.c");
    expect(quoted("it's $HOME")).toBe(`'it'\\''s $HOME'`);
  });
});
