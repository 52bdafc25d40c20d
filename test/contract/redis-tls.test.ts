// Redis behind TLS, whose certificate an authority of one's own has signed.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { expect, onTestFinished, test, vi } from "vitest";
import { createAuthority } from "../support/certificates.ts";
import { openTestRedis } from "../support/open-redis.ts";
import { startRedisProcess } from "../support/redis-process.ts";
import { steadyPort } from "../support/steady-port.ts";

const BYTES = Buffer.from([0x00, 0xff, 0xfe, 0x0a, 0x80]);

/** Its `rediss://` URL, and the authority's certificate. */
async function startRedisWithTls(): Promise<{ url: string; ca: string }> {
  const directory = mkdtempSync(join(tmpdir(), "rexec-redis-tls-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const authority = createAuthority(directory);
  const { certFile, keyFile } = authority.issue("redis");
  const tlsPort = await steadyPort();
  const redis = await startRedisProcess({
    password: "a test's own",
    configOf: () => [
      'requirepass "a test\'s own"',
      `tls-port ${tlsPort}`,
      `tls-cert-file ${certFile}`,
      `tls-key-file ${keyFile}`,
      `tls-ca-cert-file ${authority.caFile}`,
      "tls-auth-clients no",
    ],
  });
  onTestFinished(() => redis.stop());
  return {
    url: `rediss://:${encodeURIComponent("a test's own")}@localhost:${tlsPort}`,
    ca: readFileSync(authority.caFile, "utf8"),
  };
}

test("commands and channels work where this Node trusts the authority", async () => {
  const { url, ca } = await startRedisWithTls();
  const trusted = getCACertificates("default");
  onTestFinished(() => setDefaultCACertificates(trusted));
  setDefaultCACertificates([...trusted, ca]);
  const opened = openTestRedis(url);
  await opened.until("up");

  const heard: Buffer[] = [];
  await opened.subscriber.subscribe("channel", (message) => heard.push(message));
  await vi.waitFor(() => opened.commands.spublish("channel", BYTES), { timeout: 20_000 });

  await vi.waitFor(() => expect(heard).toEqual([BYTES]));
});

test("a certificate that nobody here trusts is not talked to, and the reason is told", async () => {
  const { url } = await startRedisWithTls();

  const opened = openTestRedis(url);

  await vi.waitFor(() => expect(opened.errors.map(String).join("\n")).toMatch(/certificate/), { timeout: 20_000 });
  expect(opened.states).not.toContain("up");
});
