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
    expect(text).toContain("ssh -fNL 7070:127.0.0.1:7070 -L 7071:127.0.0.1:7071 ");
    expect(text).toContain("cat /s/admin-token | rexec agent enroll --run --token-file -\n");
  });

  it("says where the server is, and which context, where they are not the usual", () => {
    const text = renderBanner({ ...facts, httpPort: 7072, grpcPort: 7073, otherContext: "local" });
    expect(text).toContain("rexec --context local attach");
    expect(text).toContain("rexec --context local admin ");
    expect(text).toContain("--server http://127.0.0.1:7072 --grpc 127.0.0.1:7073");
  });
});

describe("quoted", () => {
  it("quotes what a shell would read otherwise", () => {
    expect(quoted("a-b.c")).toBe("a-b.c");
    expect(quoted("it's $HOME")).toBe(`'it'\\''s $HOME'`);
  });
});
