// Refused accesses reach the audit log, as many as it can bear.
import { describe, expect, it } from "vitest";
import { anAgentOf, aUser, guestIdentity, userIdentity } from "../../../../test/support/identities.ts";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import type { AuditRecord } from "../events/audit.ts";
import { DomainError } from "../domain-error.ts";
import { createRefusals, refusedShare } from "./refusals.ts";

function refusalsInto(append: (record: AuditRecord) => Promise<void>, allow: (key: string) => boolean = () => true) {
  const errors: unknown[] = [];
  const refusals = createRefusals({
    audit: { append },
    limits: { tryTake: allow },
    clock: manualClock(1000),
    onError: (error) => void errors.push(error),
  });
  return { refusals, errors };
}

describe("a refusal", () => {
  it("is written with who was refused what", async () => {
    const records: AuditRecord[] = [];
    const { refusals } = refusalsInto(async (record) => void records.push(record));
    const user = aUser();
    refusals.note({
      identity: userIdentity(user, "read"),
      subject: "agent:1",
      userId: user.id,
      detail: { reason: "X" },
    });
    await refusals.settled();
    expect(records).toEqual([
      {
        at: new Date(1000),
        type: "access.refused",
        subject: "agent:1",
        actor: `user:${user.id}`,
        userId: user.id,
        detail: { reason: "X" },
      },
    ]);
  });

  it("of a stranger counts against the stranger's address", async () => {
    const keys: string[] = [];
    const { refusals } = refusalsInto(
      async () => {},
      (key) => {
        keys.push(key);
        return false;
      },
    );
    refusals.note({ detail: { peer: "192.0.2.1" } });
    expect(keys).toEqual(["peer:192.0.2.1"]);
  });

  it("by a limit is written as such, and takes nothing from what is left for refused accesses", async () => {
    const keys: string[] = [];
    const records: AuditRecord[] = [];
    const { refusals } = refusalsInto(
      async (record) => void records.push(record),
      (key) => keys.push(key) > 0,
    );
    const identity = userIdentity(aUser(), "write");
    refusals.note({ identity, detail: {} });
    refusals.note({ type: "limit.denied", identity, detail: {} });
    await refusals.settled();
    expect(records.map(({ type }) => type)).toEqual(["access.refused", "limit.denied"]);
    expect(keys).toEqual([`user:${identity.user.id}`, `limit.denied user:${identity.user.id}`]);
  });

  it("of a guest is told who shares, under the share's name; so is that an ended one was tried", async () => {
    const records: AuditRecord[] = [];
    const { refusals } = refusalsInto(async (record) => void records.push(record));
    const sharer = aUser();
    const identity = guestIdentity(sharer, anAgentOf(sharer).id);
    const { share } = identity;
    refusals.note({ identity, detail: { reason: "SHARE_FULL" } });
    refusals.note({ ...refusedShare(new DomainError("SHARE_ENDED", { share })), detail: { peer: "192.0.2.1" } });
    refusals.note({ ...refusedShare(new DomainError("TOKEN_INVALID")), detail: { peer: "192.0.2.1" } });
    await refusals.settled();
    const of = { type: "share.refused", subject: `share:${share.id}`, userId: sharer.id };
    expect(records).toMatchObject([
      { ...of, actor: `share:${share.id}` },
      { ...of, actor: "unknown" },
      { type: "access.refused", subject: "unknown", actor: "unknown" },
    ]);
  });

  it("goes unwritten where too many are on their way", async () => {
    let written = 0;
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { refusals } = refusalsInto(async () => {
      written += 1;
      await gate;
    });
    for (let i = 0; i < 500; i++) refusals.note({ detail: {} });
    release();
    await refusals.settled();
    expect(written).toBe(100);
  });

  it("that can't be written harms nobody", async () => {
    const { refusals, errors } = refusalsInto(() => Promise.reject(new Error("away")));
    refusals.note({ detail: {} });
    await refusals.settled();
    expect(errors).toHaveLength(1);
  });
});
