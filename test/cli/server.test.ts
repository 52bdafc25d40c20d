// `rexec server` as its operator runs it: configured by a file, told off for a wrong one, renewed by SIGHUP.
import { once } from "node:events";
import { copyFileSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listSettings } from "../../src/server/settings.ts";
import { createAuthority } from "../support/certificates.ts";
import { CliHome } from "../support/cli.ts";

let home: CliHome;

beforeAll(async () => {
  home = await CliHome.make();
});
afterAll(async () => home.close());

const START_TIMEOUT_MS = 90_000;

describe("rexec server", () => {
  it("lists every setting in its help", async () => {
    const { code, stdout } = await home.run(["server", "--help"]);
    expect(code).toBe(0);
    expect(listSettings().filter(({ variable }) => !stdout.includes(`  ${variable} `))).toEqual([]);
  });

  it("says all that is wrong with its configuration, and exits as for wrong usage", async () => {
    await writeFile(join(home.dir, "wrong.yaml"), "http_prt: 1\nlog_level: loud\n");
    const { code, stderr } = await home.run(["server", "--config", "wrong.yaml"]);
    expect(code).toBe(2);
    expect(stderr).toContain("there is no http_prt; do you mean http_port?");
    for (const variable of ["REXEC_LOG_LEVEL (log_level)", "REXEC_JWT_SECRET (jwt_secret)"]) {
      expect(stderr).toContain(variable);
    }
  });

  it("takes its settings from a file, warns of one that others can read, and reads certificates again on SIGHUP", async () => {
    const authority = createAuthority(home.dir);
    const put = (name: string) => {
      const { certFile, keyFile } = authority.issue(name);
      copyFileSync(certFile, join(home.dir, "tls.pem"));
      copyFileSync(keyFile, join(home.dir, "tls.key"));
    };
    put("first");
    const settings = ["http_port: 0", "grpc_port: 0", "tls_cert_file: tls.pem", "tls_key_file: tls.key"];
    const file = join(home.dir, "rexec.yaml");
    await writeFile(file, `${settings.join("\n")}\njwt_secret: ${"s".repeat(32)}\n`, { mode: 0o644 });
    const server = home.start(["server", "--config", file]);
    await server.seen(/serving https:/, START_TIMEOUT_MS);
    await server.seen(/rexec\.yaml holds jwt_secret, and others can read it: chmod 600/);

    const port = Number(/https:\/\/127\.0\.0\.1:(\d+)/.exec(server.stderr)?.[1]);
    const subject = async () => {
      const socket = connect({ host: "127.0.0.1", port, ca: readFileSync(authority.caFile) });
      await once(socket, "secureConnect");
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return CN;
    };
    expect(await subject()).toBe("first");
    put("second");
    server.kill("SIGHUP");
    await server.seen(/certificates read again/);
    expect(await subject()).toBe("second");
    server.kill("SIGTERM");
    expect(await server.exited).toBe(0);
  });
});
