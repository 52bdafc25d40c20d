// TLS by the server itself: gRPC, JSON, terminals and agents through it; clear text and strangers refused.
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as tlsConnect, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { startAgent } from "../../src/agent/agent.ts";
import { AgentServiceService } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { Api } from "../../src/cli/api.ts";
import { type ClientTls, readClientTls } from "../../src/cli/client-tls.ts";
import { CliError } from "../../src/cli/cli-error.ts";
import { readEnvironment } from "../../src/cli/config.ts";
import { nodeSockets } from "../../src/cli/node-socket.ts";
import { resolveTarget } from "../../src/cli/target.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { ConfigError, readServerConfig } from "../../src/server/config.ts";
import { type RunningServer, startServer } from "../../src/server/server.ts";
import { type Authority, type CertificateFiles, createAuthority } from "../support/certificates.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { NO_LIMITS, TEST_JWT_SECRET } from "../support/test-server.ts";

let directory: string;
let authority: Authority;
let own: CertificateFiles;
let client: CertificateFiles;
let server: RunningServer | undefined;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "rexec-tls-"));
  authority = createAuthority(directory);
  own = authority.issue("server");
  client = authority.issue("client");
});
afterEach(async () => {
  await server?.close(0);
  server = undefined;
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** As an operator sets it: through the environment. */
async function serve(env: Record<string, string> = {}): Promise<{ running: RunningServer; token: string }> {
  const tokenFile = join(directory, "admin-token");
  rmSync(tokenFile, { force: true });
  const config = readServerConfig(
    { rates: NO_LIMITS, logLevel: "silent" },
    {
      REXEC_HTTP_PORT: "0",
      REXEC_GRPC_PORT: "0",
      REXEC_JWT_SECRET: TEST_JWT_SECRET,
      REXEC_BOOTSTRAP_TOKEN_FILE: tokenFile,
      REXEC_TLS_CERT_FILE: own.certFile,
      REXEC_TLS_KEY_FILE: own.keyFile,
      ...env,
    },
  );
  server = await startServer(config);
  return { running: server, token: readFileSync(tokenFile, "utf8").trim() };
}

const withClientCa = () => serve({ REXEC_TLS_CLIENT_CA_FILE: authority.caFile });
const trusting = (): ClientTls => ({ ca: readFileSync(authority.caFile) });
const certified = (): ClientTls => ({
  ...trusting(),
  cert: readFileSync(client.certFile),
  key: readFileSync(client.keyFile),
});

function api({ grpcPort }: RunningServer, token: string, tls: ClientTls | undefined, isEncrypted = true): Api {
  return new Api({ grpcAddresses: [`127.0.0.1:${grpcPort}`], isEncrypted, tls, token, timeoutMs: 5_000 });
}

async function call<T>(to: Api, use: (api: Api) => Promise<T>): Promise<T> {
  try {
    return await use(to);
  } finally {
    to.close();
  }
}

const listWith = (running: RunningServer, token: string, tls: ClientTls | undefined, isEncrypted = true) =>
  call(api(running, token, tls, isEncrypted), (to) =>
    to.call(AgentServiceService.listAgents, { pageSize: 1, pageToken: "", filter: "", orderBy: "" }),
  );

function health({ httpPort }: RunningServer, tls: ClientTls): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: httpPort, path: "/healthz", agent: false, ...tls };
    httpsRequest(options, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

/** An agent over TLS, connected; and what a viewer's socket then says. */
async function agentAndViewer(running: RunningServer, token: string, tls: ClientTls) {
  const made = await call(api(running, token, tls), (to) =>
    to.call(AgentServiceService.registerAgent, {
      name: "box",
      description: "",
      os: "",
      arch: "",
      shell: "",
      tags: [],
      requestId: "",
    }),
  );
  const agentId = made.agent?.id as AgentId;
  const origin = `wss://127.0.0.1:${running.httpPort}`;
  const agent = startAgent({ servers: [origin], agentId, token: made.token, tls, logger: silentLogger });
  await new Promise<void>((resolve) => agent.onState(({ kind }) => kind === "connected" && resolve()));
  const opened = await new Promise<string>((resolve) => {
    const socket = nodeSockets(token, tls).connect(
      { url: `${origin}/ws/agent/${agentId}/terminal`, protocols: ["rexec.v2"] },
      {
        open: () => {
          resolve("open");
          socket.terminate();
        },
        message: () => {},
        ping: () => {},
        down: ({ kind }) => resolve(kind),
      },
    );
  });
  await agent.stop("the test is over");
  return opened;
}

describe("a server with a certificate", () => {
  it("serves gRPC, JSON, agents and terminals to those who trust it", async () => {
    const { running, token } = await serve();
    expect((await listWith(running, token, trusting())).agents).toEqual([]);
    expect(await health(running, trusting())).toBe(200);
    expect(await agentAndViewer(running, token, trusting())).toBe("open");
  });

  it("is refused by those who don't", async () => {
    const { running, token } = await serve();
    await expect(listWith(running, token, undefined)).rejects.toBeInstanceOf(CliError);
    await expect(health(running, {})).rejects.toThrow();
  });

  it("answers no clear text", async () => {
    const { running, token } = await serve();
    await expect(listWith(running, token, undefined, false)).rejects.toBeInstanceOf(CliError);
    await expect(fetch(`http://127.0.0.1:${running.httpPort}/healthz`)).rejects.toThrow();
    const socket = new WebSocket(`ws://127.0.0.1:${running.httpPort}/ws/agent/x`);
    const [error] = (await once(socket, "error")) as [Error];
    expect(error).toBeInstanceOf(Error);
  });

  it.each(["httpPort", "grpcPort"] as const)("speaks no TLS older than 1.2 on its %s", async (port) => {
    const { running } = await serve();
    const dial = (version: "TLSv1.1" | "TLSv1.2") =>
      tlsConnect({
        host: "127.0.0.1",
        port: running[port],
        ca: readFileSync(authority.caFile),
        minVersion: version,
        maxVersion: version,
        ciphers: "DEFAULT@SECLEVEL=0",
        ALPNProtocols: ["h2", "http/1.1"],
      });
    const old = dial("TLSv1.1");
    const [error] = (await once(old, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/PROTOCOL_VERSION/);
    const current = dial("TLSv1.2");
    await once(current, "secureConnect");
    expect(current.getProtocol()).toBe("TLSv1.2");
    current.destroy();
  });
});

describe("a server that asks for certificates", () => {
  it("serves those who have one", async () => {
    const { running, token } = await withClientCa();
    expect((await listWith(running, token, certified())).agents).toEqual([]);
    expect(await health(running, certified())).toBe(200);
    expect(await agentAndViewer(running, token, certified())).toBe("open");
  });

  it("refuses those who have none, or one that somebody else signed, at both ports", async () => {
    const { running, token } = await withClientCa();
    const stranger = createAuthority(directory, "stranger").issue("strangers-client");
    const strange = { ...trusting(), cert: readFileSync(stranger.certFile), key: readFileSync(stranger.keyFile) };
    for (const tls of [trusting(), strange]) {
      await expect(listWith(running, token, tls)).rejects.toBeInstanceOf(CliError);
      await expect(health(running, tls)).rejects.toThrow();
    }
  });

  it("still asks for a token", async () => {
    const { running } = await withClientCa();
    await expect(listWith(running, "rexec_none", certified())).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  });
});

describe("certificates that are read again", () => {
  const subjectOn = async (port: number): Promise<string> => {
    const socket: TLSSocket = tlsConnect({ host: "127.0.0.1", port, ca: readFileSync(authority.caFile) });
    await once(socket, "secureConnect");
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  };

  it("are what the next connection sees, on both ports; wrong ones change nothing", async () => {
    const [certFile, keyFile] = [join(directory, "current.pem"), join(directory, "current.key")];
    const put = (files: CertificateFiles) => {
      copyFileSync(files.certFile, certFile);
      copyFileSync(files.keyFile, keyFile);
    };
    put(own);
    const { running } = await serve({ REXEC_TLS_CERT_FILE: certFile, REXEC_TLS_KEY_FILE: keyFile });
    const subjects = async () => [await subjectOn(running.httpPort), await subjectOn(running.grpcPort)];
    expect(await subjects()).toEqual(["server", "server"]);
    put(authority.issue("renewed"));
    running.reloadCertificates();
    expect(await subjects()).toEqual(["renewed", "renewed"]);
    writeFileSync(keyFile, "garbage");
    running.reloadCertificates();
    expect(await subjects()).toEqual(["renewed", "renewed"]);
  });
});

describe("files that don't do", () => {
  const problem = (env: Record<string, string>): string => {
    try {
      readServerConfig({}, { REXEC_JWT_SECRET: TEST_JWT_SECRET, ...env });
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
    }
    return "";
  };

  it("end the start with what is wrong with them", () => {
    const files = (cert: string, key: string, ca?: string) => ({
      REXEC_TLS_CERT_FILE: cert,
      REXEC_TLS_KEY_FILE: key,
      ...(ca === undefined ? {} : { REXEC_TLS_CLIENT_CA_FILE: ca }),
    });
    expect(problem(files("/nowhere.pem", own.keyFile))).toMatch(
      /TLS_CERT_FILE .*: \/nowhere.pem can't be read \(ENOENT\)/,
    );
    expect(problem(files(own.certFile, client.keyFile))).toMatch(
      /TLS_KEY_FILE .* is not the key of the certificate in/,
    );
    expect(problem(files(own.keyFile, own.keyFile))).toMatch(/TLS_CERT_FILE .* holds no certificate in PEM/);
    expect(problem(files(own.certFile, own.certFile))).toMatch(/TLS_KEY_FILE .* holds no private key in PEM/);
    expect(problem(files(own.certFile, own.keyFile, own.keyFile))).toMatch(
      /TLS_CLIENT_CA_FILE .* holds no certificate/,
    );
    expect(problem({ REXEC_TLS_CERT_FILE: own.certFile })).toMatch(/set both, or none/);
    expect(problem({ REXEC_TLS_CLIENT_CA_FILE: authority.caFile })).toMatch(/needs tls_cert_file and tls_key_file/);
  });

  it("are no reason to be let beyond loopback, and good ones are", () => {
    const beyond = { REXEC_JWT_SECRET: TEST_JWT_SECRET, REXEC_LISTEN_HOST: "0.0.0.0" };
    expect(problem(beyond)).toMatch(/would be served in clear text/);
    const tls = { REXEC_TLS_CERT_FILE: own.certFile, REXEC_TLS_KEY_FILE: own.keyFile };
    expect(readServerConfig({}, { ...beyond, ...tls }).tls).toEqual({ certFile: own.certFile, keyFile: own.keyFile });
  });
});

describe("the command line", () => {
  const env = (variables: Record<string, string>) => readEnvironment({ HOME: directory, ...variables });

  it("takes its authority from a flag before the environment, and its certificate from there", () => {
    const variables = {
      REXEC_CA_FILE: own.certFile,
      REXEC_CLIENT_CERT_FILE: client.certFile,
      REXEC_CLIENT_KEY_FILE: client.keyFile,
    };
    const target = resolveTarget({ server: "https://127.0.0.1:1", caFile: authority.caFile }, env(variables));
    expect(target.tls).toEqual(certified());
    expect(readClientTls({}, env({ REXEC_CA_FILE: own.certFile }))).toEqual({ ca: readFileSync(own.certFile) });
  });

  it("says which of its files does not do", () => {
    expect(() => readClientTls({ caFile: "/nowhere.pem" }, env({}))).toThrow(
      /--ca-file or REXEC_CA_FILE can't be read/,
    );
    const noPem = join(directory, "no-pem");
    writeFileSync(noPem, "hello");
    expect(() => readClientTls({ caFile: noPem }, env({}))).toThrow(/holds no PEM/);
    expect(() => readClientTls({}, env({ REXEC_CLIENT_KEY_FILE: client.keyFile }))).toThrow(/or neither/);
  });
});
