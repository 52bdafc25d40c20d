// Secrets on disk: whole, and for their owner alone.
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readAgentFile, writeAgentFile } from "./agent-file.ts";
import { readCredentials, storeCredential } from "./credentials.ts";
import { readPrivateFile, writePrivateFile } from "./private-file.ts";
import type { AgentId } from "../protocol/ids.ts";

let dir = "";
const mode = (path: string): number => statSync(path).mode & 0o777;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "rexec-private-"));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("private files", () => {
  it("are 0600 in a directory of 0700, and leave nothing else behind", () => {
    const path = join(dir, "rexec", "secret");
    writePrivateFile(path, "one");
    writePrivateFile(path, "two");
    expect([mode(path), mode(join(dir, "rexec"))]).toEqual([0o600, 0o700]);
    expect(readdirSync(join(dir, "rexec"))).toEqual(["secret"]);
    expect(readPrivateFile(path)).toBe("two");
  });

  it("lose rights that others should never have had", () => {
    const path = join(dir, "secret");
    writeFileSync(path, "x");
    chmodSync(path, 0o644);
    readPrivateFile(path);
    expect(mode(path)).toBe(0o600);
  });

  it("are undefined where they are missing", () => {
    expect(readPrivateFile(join(dir, "nothing"))).toBeUndefined();
  });
});

describe("credentials", () => {
  it("keep a token for each context and forget one", () => {
    const path = join(dir, "credentials.json");
    storeCredential(path, "a", "1");
    storeCredential(path, "b", "2");
    expect(storeCredential(path, "a", undefined)).toBe(true);
    expect(storeCredential(path, "a", undefined)).toBe(false);
    expect(readCredentials(path)).toEqual(new Map([["b", "2"]]));
    expect(mode(path)).toBe(0o600);
  });

  it("say which file is broken, and not what is in it", () => {
    const path = join(dir, "credentials.json");
    writeFileSync(path, '{"tokens": {"a": "rexec_secret"');
    expect(() => readCredentials(path)).toThrow(path);
    expect(() => readCredentials(path)).not.toThrow("rexec_secret");
  });
});

describe("the agent's file", () => {
  it("is read back as it was written", () => {
    const path = join(dir, "agent.json");
    const stored = {
      servers: ["https://x", "https://y"] as const,
      agentId: "11111111-1111-4111-8111-111111111111" as AgentId,
      name: "n",
      token: "t",
    };
    writeAgentFile(path, stored);
    expect(readAgentFile(path)).toEqual(stored);
    expect(mode(path)).toBe(0o600);
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ server: "https://x,https://y" });
    writeFileSync(path, '{"server": "https://x"}');
    expect(() => readAgentFile(path)).toThrow("is not complete");
  });
});
