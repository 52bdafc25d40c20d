// Flags before the environment before the context before the default; and whose token goes where.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CliEnvironment, readEnvironment } from "./config.ts";
import { writeContexts } from "./contexts.ts";
import { storeCredential } from "./credentials.ts";
import { isLoopback, parseGrpcAddress, parseOrigin, readTokenFile, resolveTarget } from "./target.ts";

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
      origin: "http://127.0.0.1:7070",
      grpcAddress: "127.0.0.1:7071",
      isEncrypted: false,
      token: undefined,
      contextName: undefined,
    });
  });

  it("takes the current context with its address and token", () => {
    withContexts();
    expect(resolveTarget({}, env)).toMatchObject({
      grpcAddress: "prod.example:9071",
      token: "prod-token",
      contextName: "prod",
    });
  });

  it("goes flag, environment, context", () => {
    withContexts();
    const said = environment({ REXEC_HOST: "https://env.example", REXEC_TOKEN: "env-token" });
    expect(resolveTarget({}, said)).toMatchObject({
      origin: "https://env.example",
      grpcAddress: "env.example:7071",
      token: "env-token",
    });
    expect(resolveTarget({ server: "https://flag.example" }, said).origin).toBe("https://flag.example");
    expect(resolveTarget({ context: "local" }, said).origin).toBe("http://127.0.0.1:7070");
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

describe("addresses", () => {
  it("reads origins", () => {
    expect(parseOrigin("rexec.example")).toBe("https://rexec.example");
    expect(parseOrigin("wss://rexec.example:8443/path")).toBe("https://rexec.example:8443");
    expect(() => parseOrigin("ftp://x")).toThrow("no server address");
    expect(() => parseOrigin("https://me:secret@x")).toThrow("no server address");
  });

  it("reads gRPC addresses", () => {
    expect(parseGrpcAddress(undefined, "https://[::1]:7070")).toBe("[::1]:7071");
    expect(parseGrpcAddress("h:1", "https://x")).toBe("h:1");
    expect(() => parseGrpcAddress("h", "https://x")).toThrow("no gRPC address");
  });

  it("knows this machine, and is not taken in by names that look like it", () => {
    expect(["127.0.0.1", "127.9.9.9", "localhost", "[::1]"].map(isLoopback)).toEqual([true, true, true, true]);
    expect(["127.0.0.1.example.com", "10.0.0.1", "localhost.example"].map(isLoopback)).toEqual([false, false, false]);
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
