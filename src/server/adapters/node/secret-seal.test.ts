// What is sealed opens for its user, under a key that is known, unchanged; and for nobody else.
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { UserId } from "../../../protocol/ids.ts";
import { createSecretSeal, keyFromJwtSecret } from "./secret-seal.ts";

const key = (id: string, byte: number) => ({ id, key: new Uint8Array(32).fill(byte) });
const [one, two] = [key("one", 1), key("two", 2)];
const user = randomUUID() as UserId;

describe("the seal", () => {
  it("opens what it has sealed, and never seals the same way twice", () => {
    const seal = createSecretSeal([one]);
    const [first, second] = [seal.seal("geheim €", user), seal.seal("geheim €", user)];
    expect(first).toMatch(/^one:[\w-]+$/);
    expect(first).not.toBe(second);
    for (const sealed of [first, second]) {
      expect(seal.open(sealed, user)).toEqual({ text: "geheim €", stale: false });
      expect(Buffer.from(sealed.slice(4), "base64url").toString()).not.toContain("geheim");
    }
  });

  it("seals with the first key, opens with all, and says which is old", () => {
    const old = createSecretSeal([one]).seal("secret", user);
    const both = createSecretSeal([two, one]);
    expect(both.open(old, user)).toEqual({ text: "secret", stale: true });
    expect(both.seal("secret", user)).toMatch(/^two:/);
    expect(both.open(both.seal("secret", user), user).stale).toBe(false);
    expect(() => createSecretSeal([two]).open(old, user)).toThrow('under the key "one", which is not configured');
  });

  it("opens nothing for another user, with another key of that name, or that was changed", () => {
    const seal = createSecretSeal([one]);
    const sealed = seal.seal("secret", user);
    expect(() => seal.open(sealed, randomUUID() as UserId)).toThrow();
    expect(() => createSecretSeal([{ ...two, id: "one" }]).open(sealed, user)).toThrow();
    const bytes = Buffer.from(sealed.slice(4), "base64url");
    for (let i = 0; i < bytes.length; i++) {
      const changed = Uint8Array.from(bytes, (byte, at) => (at === i ? byte ^ 1 : byte));
      expect(() => seal.open(`one:${Buffer.from(changed).toString("base64url")}`, user)).toThrow();
    }
    for (const short of ["", "one", "one:", "one:AAAA", sealed.slice(0, 24)]) {
      expect(() => seal.open(short, user)).toThrow();
    }
  });

  it("takes no key of another length, and not none", () => {
    expect(() => createSecretSeal([])).toThrow();
    expect(() => createSecretSeal([{ id: "short", key: new Uint8Array(16) }])).toThrow();
  });

  it("derives one key from a JWT secret, which is not that secret", () => {
    const secret = "a secret of more than 32 bytes, for tests";
    const derived = keyFromJwtSecret(secret);
    expect(derived).toEqual(keyFromJwtSecret(secret));
    expect(derived).not.toEqual(keyFromJwtSecret(`${secret}!`));
    expect([derived.id, derived.key.length]).toEqual(["jwt", 32]);
    expect(Buffer.from(derived.key).toString("latin1")).not.toContain(secret.slice(0, 8));
  });
});
