import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigError, readAgentConfig, readFileRoots, serverUrl } from "./config.ts";

const AGENT_ID = "11111111-2222-4333-8444-555555555555";
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rexec-config-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

test("the token is taken out of the environment, and no variable of ours reaches a shell", () => {
  const environment = {
    REXEC_HOST: "https://one.example/, ws://two.example:7070/base",
    REXEC_AGENT_ID: AGENT_ID,
    REXEC_TOKEN: "secret",
    REXEC_NAME: "box",
    REXEC_SHELL: "/bin/zsh",
    PATH: "/bin",
    TMUX: "/tmp/tmux",
  };
  const config = readAgentConfig(environment);
  expect(config).toMatchObject({
    servers: ["wss://one.example", "ws://two.example:7070/base"],
    agentId: AGENT_ID,
    token: "secret",
    name: "box",
    shell: { file: "/bin/zsh", args: ["-l"] },
  });
  expect(environment).not.toHaveProperty("REXEC_TOKEN");
  expect(config.shell.env).toEqual({ PATH: "/bin", SHELL: "/bin/zsh", TERM: "xterm-256color", COLORTERM: "truecolor" });
});

test("the token may come from a file", () => {
  const file = join(directory, "token");
  writeFileSync(file, "from-file\n");
  expect(readAgentConfig({ REXEC_HOST: "h", REXEC_AGENT_ID: AGENT_ID, REXEC_TOKEN_FILE: file }).token).toBe(
    "from-file",
  );
  writeFileSync(file, "\n");
  expect(() => readAgentConfig({ REXEC_HOST: "h", REXEC_AGENT_ID: AGENT_ID, REXEC_TOKEN_FILE: file })).toThrow(
    ConfigError,
  );
});

test("what is missing or wrong is said, without the token", () => {
  const good = { REXEC_HOST: "example", REXEC_AGENT_ID: AGENT_ID, REXEC_TOKEN: "secret" };
  for (const bad of [
    { REXEC_HOST: "" },
    { REXEC_HOST: "ftp://x" },
    { REXEC_AGENT_ID: "7" },
    { REXEC_TOKEN: undefined },
  ]) {
    try {
      readAgentConfig({ ...good, ...bad });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect(String(error)).not.toContain("secret");
    }
  }
});

test("a server may be named in any of the usual ways", () => {
  expect(serverUrl("example.org")).toBe("wss://example.org");
  expect(serverUrl("example.org:7070")).toBe("wss://example.org:7070");
  expect(serverUrl("http://localhost:7070/")).toBe("ws://localhost:7070");
  expect(() => serverUrl("http://")).toThrow(ConfigError);
});

test("the roots of files are absolute paths, and all there is where nothing is said", () => {
  expect(readFileRoots({})).toEqual(["/"]);
  expect(readFileRoots({ REXEC_FILE_ROOTS: "" })).toEqual(["/"]);
  expect(readFileRoots({ REXEC_FILE_ROOTS: "/srv:/var/tmp:" })).toEqual(["/srv", "/var/tmp"]);
  for (const roots of ["srv", "/srv:tmp", ":"])
    expect(() => readFileRoots({ REXEC_FILE_ROOTS: roots })).toThrow(ConfigError);
});
