// Flags before the environment before the context before the default; and whose token goes where.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CliEnvironment, readEnvironment } from "./config.ts";
import { writeContexts } from "./contexts.ts";
import { storeCredential } from "./credentials.ts";
import { readTokenFile, resolveTarget } from "./target.ts";

let home = "";
let env: CliEnvironment;

function environment(variables: Record<string, string> = {}): CliEnvironment {
  return readEnvironment({ HOME: home, ...variables });
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "rexec-target-"));
  env = environment();
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function withContexts(): void {
  writeContexts(env.configFile, {
    current: "prod",
    contexts: new Map([
      ["prod", { host: "https://prod.example", grpc: "prod.example:9071", insecure: false }],
      ["local", { host: "http://127.0.0.1:7070", grpc: "127.0.0.1:7071", insecure: false }],
    ]),
  });
  storeCredential(env.credentialsFile, "prod", "prod-token");
  storeCredential(env.credentialsFile, "local", "local-token");
}

describe("resolveTarget", () => {
  it("takes this machine where nothing is said", () => {
    expect(resolveTarget({}, env)).toEqual({
      servers: ["http://127.0.0.1:7070"],
      grpcAddresses: ["127.0.0.1:7071"],
      isEncrypted: false,
      token: undefined,
      contextName: undefined,
    });
  });

  it("takes the current context with its address and token", () => {
    withContexts();
    expect(resolveTarget({}, env)).toMatchObject({
      grpcAddresses: ["prod.example:9071"],
      token: "prod-token",
      contextName: "prod",
    });
  });

  it("goes flag, environment, context", () => {
    withContexts();
    const said = environment({ REXEC_HOST: "https://env.example", REXEC_TOKEN: "env-token" });
    expect(resolveTarget({}, said)).toMatchObject({
      servers: ["https://env.example"],
      grpcAddresses: ["env.example:7071"],
      token: "env-token",
    });
    expect(resolveTarget({ server: "https://flag.example" }, said).servers).toEqual(["https://flag.example"]);
    expect(resolveTarget({ context: "local" }, said).servers).toEqual(["http://127.0.0.1:7070"]);
    expect(resolveTarget({}, environment({ REXEC_CONTEXT: "local" })).token).toBe("local-token");
  });

  it("never sends a context's token to a server that was named by hand", () => {
    withContexts();
    expect(resolveTarget({ server: "https://other.example" }, env).token).toBeUndefined();
    expect(resolveTarget({ server: "https://other.example", context: "prod" }, env).token).toBeUndefined();
  });

  it("knows the context of a server that was named by hand", () => {
    withContexts();
    expect(resolveTarget({ server: "http://127.0.0.1:7070" }, env)).toMatchObject({
      token: "local-token",
      contextName: "local",
    });
  });

  describe("with several servers", () => {
    const PAIR = "https://one.example,https://two.example";

    function withPair(grpc: string): void {
      const contexts = new Map([["pair", { host: PAIR, grpc, insecure: false }]]);
      writeContexts(env.configFile, { current: undefined, contexts });
      storeCredential(env.credentialsFile, "pair", "pair-token");
    }

    it("takes them from the flag, the environment and the context, with a gRPC address each", () => {
      const expected = {
        servers: ["https://one.example", "https://two.example"],
        grpcAddresses: ["one.example:7071", "two.example:7071"],
        isEncrypted: true,
      };
      expect(resolveTarget({ server: "one.example, two.example" }, env)).toMatchObject(expected);
      expect(resolveTarget({}, environment({ REXEC_HOST: PAIR }))).toMatchObject(expected);
      withPair("one.example:7071,two.example:7071");
      expect(resolveTarget({ context: "pair" }, env)).toMatchObject({ ...expected, token: "pair-token" });
    });

    it("takes gRPC addresses in any number", () => {
      const { grpcAddresses } = resolveTarget({ server: PAIR, grpc: "balancer.example:443" }, env);
      expect(grpcAddresses).toEqual(["balancer.example:443"]);
    });

    it("knows a context by some of its servers, in any order, and takes their own gRPC addresses", () => {
      withPair("one.example:1,two.example:2");
      expect(resolveTarget({ server: "https://two.example" }, env)).toMatchObject({
        grpcAddresses: ["two.example:2"],
        token: "pair-token",
        contextName: "pair",
      });
      expect(resolveTarget({ server: "https://two.example,https://one.example" }, env).grpcAddresses).toEqual([
        "two.example:2",
        "one.example:1",
      ]);
      withPair("balancer.example:443");
      expect(resolveTarget({ server: "https://two.example" }, env).grpcAddresses).toEqual(["balancer.example:443"]);
    });

    it("sends the context's token to none that is not the context's", () => {
      withPair("one.example:1,two.example:2");
      const target = resolveTarget({ server: "https://one.example,https://evil.example", context: "pair" }, env);
      expect(target).toMatchObject({ token: undefined, contextName: undefined });
    });

    it("refuses clear text to any of them, and lists of both kinds", () => {
      expect(() => resolveTarget({ server: "http://127.0.0.1:1,http://far.example:1" }, env)).toThrow(
        "far.example:1 would",
      );
      expect(() => resolveTarget({ server: "https://one.example,http://127.0.0.1:1" }, env)).toThrow("some encrypted");
    });
  });

  it("refuses an unknown context and says which there are", () => {
    withContexts();
    expect(() => resolveTarget({ context: "nowhere" }, env)).toThrow("no context named nowhere");
  });

  it("refuses clear text to another machine, unless told to", () => {
    expect(() => resolveTarget({ server: "http://far.example:7070" }, env)).toThrow("in clear text");
    expect(() => resolveTarget({ grpc: "far.example:7071" }, env)).toThrow("in clear text");
    expect(resolveTarget({ server: "http://far.example:7070", insecure: true }, env).isEncrypted).toBe(false);
  });
});

describe("readTokenFile", () => {
  it("takes one token and nothing else", () => {
    const file = join(home, "token");
    writeFileSync(file, "rexec_abc\n");
    expect(readTokenFile(file)).toBe("rexec_abc");
    writeFileSync(file, "one\ntwo");
    expect(() => readTokenFile(file)).toThrow("more than a token");
    writeFileSync(file, "\n");
    expect(() => readTokenFile(file)).toThrow("is empty");
  });
});
