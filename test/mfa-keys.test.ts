// The settings of second factors, and what is said of wrong ones.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ConfigError, readServerConfig } from "../src/server/config.ts";

const hex = (digit: string) => digit.repeat(64);
const read = (env: Record<string, string>) =>
  readServerConfig({}, { REXEC_JWT_SECRET: "a secret of 32 bytes, or of more", ...env }).mfa;

it("without any: no keys, 15 minutes, five attempts", () => {
  expect(read({})).toEqual({ keys: [], policy: { grantMs: 900_000, maxAttempts: 5, lockoutMs: 900_000 } });
});

it("are read from the environment, keys also from a file, in their order", () => {
  const keys = ["new", "old"].map((id, i) => ({ id, key: Buffer.alloc(32, i === 0 ? 0xaa : 0xbb) }));
  expect(read({ REXEC_MFA_KEYS: `new:${hex("a")}, old:${hex("B")}` }).keys).toEqual(keys);
  const directory = mkdtempSync(join(tmpdir(), "rexec-mfa-keys-"));
  const file = join(directory, "keys");
  writeFileSync(file, `new:${hex("A")}\n\nold:${hex("b")}\n`);
  expect(read({ REXEC_MFA_KEYS_FILE: file }).keys).toEqual(keys);
  rmSync(directory, { recursive: true });
  const minutes = { REXEC_MFA_GRANT_MINUTES: "1", REXEC_MFA_MAX_ATTEMPTS: "3", REXEC_MFA_LOCKOUT_MINUTES: "60" };
  expect(read(minutes).policy).toEqual({ grantMs: 60_000, maxAttempts: 3, lockoutMs: 3_600_000 });
});

it.each([
  [
    { REXEC_MFA_KEYS: `new:${hex("a")},old:${"b".repeat(63)}` },
    'REXEC_MFA_KEYS (mfa_keys): entry 2 must be "id:64 hex digits"',
  ],
  [{ REXEC_MFA_KEYS: hex("a") }, 'REXEC_MFA_KEYS (mfa_keys): entry 1 must be "id:64 hex digits"'],
  [{ REXEC_MFA_KEYS: " , " }, 'REXEC_MFA_KEYS (mfa_keys): must hold at least one "id:64 hex digits"'],
  [{ REXEC_MFA_KEYS: `a:${hex("a")},a:${hex("b")}` }, "REXEC_MFA_KEYS (mfa_keys): each id may stand there once"],
  [{ REXEC_MFA_KEYS: `jwt:${hex("a")}` }, "REXEC_MFA_KEYS (mfa_keys): the id jwt is"],
  [{ REXEC_MFA_KEYS_FILE: "/nowhere" }, "REXEC_MFA_KEYS_FILE (mfa_keys_file): /nowhere can't be read"],
  [{ REXEC_MFA_KEYS: `a:${hex("a")}`, REXEC_MFA_KEYS_FILE: "/nowhere" }, "set one of them, not both"],
  [{ REXEC_MFA_GRANT_MINUTES: "0" }, "REXEC_MFA_GRANT_MINUTES"],
  [{ REXEC_MFA_MAX_ATTEMPTS: "many" }, "REXEC_MFA_MAX_ATTEMPTS"],
  [{ REXEC_MFA_LOCKOUT_MINUTES: "1.5" }, "REXEC_MFA_LOCKOUT_MINUTES"],
])("that are wrong end the start with their name and no key (%#)", (env: Record<string, string>, message) => {
  let thrown: unknown;
  try {
    read(env);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ConfigError);
  const text = (thrown as ConfigError).message;
  expect(text).toContain(message);
  for (const digit of ["a", "b"]) expect(text).not.toContain(digit.repeat(20));
});
