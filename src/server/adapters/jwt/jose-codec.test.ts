// Which JWTs are believed.
import { createHmac, generateKeyPairSync, sign as signWith } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import { createJoseCodec } from "./jose-codec.ts";

const SECRET = "a secret of more than 32 bytes for tests";
const clock = manualClock();
const nowS = clock.now() / 1000;
const claims = { user_id: "6f1b1c9e-0000-4000-8000-000000000001", iat: nowS, exp: nowS + 60 };

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
function hs256(payload: object, secret = SECRET, header: object = { alg: "HS256" }): string {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

describe("a codec with a secret", () => {
  const codec = createJoseCodec({ clock, secret: SECRET });

  it("believes what it signed, claim for claim", async () => {
    const signed = {
      ...claims,
      sid: "s",
      scope: "read",
      read_only: true,
      ticket: { agent_id: "a", session_id: "main", new_session: false, read_only: true },
    };
    expect(await codec.verify(await codec.sign(signed))).toEqual(signed);
  });

  it("believes whoever shares the secret, and drops claims it does not know", async () => {
    expect(await codec.verify(hs256({ ...claims, tier: "pro", colour: "red" }))).toEqual({ ...claims, tier: "pro" });
  });

  it.each([
    ["another secret's", hs256(claims, "another secret of more than 32 bytes!")],
    ["one without a signature", `${encode({ alg: "none" })}.${encode(claims)}.`],
    ["one that claims no algorithm", hs256(claims, SECRET, {})],
    ["one with a critical header that nobody knows", hs256(claims, SECRET, { alg: "HS256", crit: ["x"], x: 1 })],
    ["one that has ended", hs256({ ...claims, exp: nowS - 60 })],
    ["one that has not begun", hs256({ ...claims, nbf: nowS + 60 })],
    ["one without an end", hs256({ user_id: claims.user_id, iat: nowS })],
    ["one without a user", hs256({ iat: nowS, exp: nowS + 60 })],
    ["one with a login half finished in words", hs256({ ...claims, mfa_pending: "true" })],
    ["one that is read-only in words", hs256({ ...claims, read_only: "true" })],
    ["one with a broken ticket", hs256({ ...claims, ticket: { agent_id: "a" } })],
    ["garbage", "a.b.c"],
  ])("does not believe %s", async (_, text) => {
    expect(await codec.verify(text)).toBeUndefined();
  });

  it("needs a secret that can't be guessed", () => {
    expect(() => createJoseCodec({ clock, secret: "short" })).toThrow("at least 32 bytes");
  });
});

describe("a codec with another issuer's keys", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  let server: Server;
  let answer: () => { status: number; body: string };
  let jwksUrl: string;

  beforeAll(async () => {
    server = createServer((_, response) => {
      const { status, body } = answer();
      response.writeHead(status, { "content-type": "application/json" }).end(body);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });

  const keySet = (status = 200) => {
    const key = { ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" };
    return { status, body: JSON.stringify({ keys: [key] }) };
  };
  const rs256 = (payload: object, kid = "1") => {
    const text = `${encode({ alg: "RS256", kid })}.${encode(payload)}`;
    return `${text}.${signWith("sha256", Buffer.from(text), privateKey).toString("base64url")}`;
  };

  it("believes both the keys and the secret", async () => {
    answer = () => keySet();
    const codec = createJoseCodec({ clock, secret: SECRET, jwksUrl });
    expect(await codec.verify(rs256(claims))).toEqual(claims);
    expect(await codec.verify(hs256(claims))).toEqual(claims);
  });

  it("does not believe an unknown key, or the public key used as a secret", async () => {
    answer = () => keySet();
    const codec = createJoseCodec({ clock, secret: SECRET, jwksUrl });
    expect(await codec.verify(rs256(claims, "2"))).toBeUndefined();
    const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
    expect(await codec.verify(hs256(claims, pem, { alg: "HS256", kid: "1" }))).toBeUndefined();
  });

  it.each([
    ["are answered with an error", { status: 500, body: "" }],
    ["are no key set", { status: 200, body: "{}" }],
    ["are no JSON", { status: 200, body: "<html>" }],
  ])("says that it can't know where the keys %s", async (_, reply) => {
    answer = () => reply;
    const codec = createJoseCodec({ clock, secret: SECRET, jwksUrl });
    await expect(codec.verify(rs256(claims))).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
    expect(await codec.verify(hs256(claims))).toEqual(claims);
  });

  it("says that it can't know where nobody answers", async () => {
    const codec = createJoseCodec({ clock, secret: SECRET, jwksUrl: "http://127.0.0.1:1/jwks" });
    await expect(codec.verify(rs256(claims))).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
  });
});
