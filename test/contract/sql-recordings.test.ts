// Recordings: one at a time of a session, pieces one behind the other, ends, lists.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AgentId, BootId, InstanceId, RecordingId, SessionId } from "../../src/protocol/ids.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { STOPPED } from "../../src/server/domain/recordings/end-recording.ts";
import type {
  NewRecording,
  Recording,
  RecordingFilter,
  Segment,
} from "../../src/server/domain/recordings/recording.ts";
import type { PageCursor } from "../../src/server/domain/page.ts";
import { DATABASES } from "../support/databases.ts";
import { addAgent, addUser, audit } from "../support/sql-rows.ts";

const at = (seconds: number) => new Date(Date.UTC(2030, 0, 1, 0, 0, seconds, 456));
const MAIN = "main" as SessionId;

describe.each(DATABASES)("recordings on $name", ({ open }) => {
  let stores: SqlStores;
  let user: User;
  beforeAll(async () => {
    stores = await open();
    user = await addUser(stores);
  });
  afterAll(() => stores.close());

  const newRecording = (fields: Partial<NewRecording> = {}): NewRecording => ({
    id: randomUUID() as RecordingId,
    agentId: randomUUID() as AgentId,
    agentName: "prod",
    sessionId: MAIN,
    userId: user.id,
    cause: "asked",
    startedAt: at(1),
    ...fields,
  });
  const create = (fields: Partial<NewRecording> = {}): Promise<Recording> =>
    stores.recordings.create(newRecording(fields), audit("recording.started"));
  const piece = (number: number, fields: Partial<Segment> = {}): Segment => ({
    key: `key-${number}`,
    number,
    place: { bootId: "boot" as BootId, stream: 7, endOffset: 100 * (number + 1), size: { cols: 90, rows: 30 } },
    firstSize: { cols: 80, rows: 24 },
    durationMs: 1000 * (number + 1),
    textBytes: 50,
    storedBytes: 20,
    gaps: 0,
    lostBytes: 0,
    ...fields,
  });
  const end = ({ id }: Recording, seconds: number, reason: string) =>
    stores.recordings.end(id, { at: at(seconds), reason, audit: () => audit("recording.ended") });

  test("a session is recorded once, whoever asks at the same moment; when that has ended, again", async () => {
    const agentId = randomUUID() as AgentId;
    const asked = Array.from({ length: 10 }, () => newRecording({ agentId }));

    const made = await Promise.all(asked.map((each) => stores.recordings.create(each, audit("recording.started"))));

    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    const [first] = made as [Recording];
    expect(await stores.recordings.get(first.id)).toEqual(first);
    expect((await create({ agentId, sessionId: "split-1" as SessionId })).id).not.toBe(first.id);
    expect(await end(first, 5, "exit 0")).toEqual({ ...first, endedAt: at(5), endReason: "exit 0" });
    expect(await end(first, 6, "exit 1")).toBeUndefined();
    expect((await create({ agentId })).id).not.toBe(first.id);
  });

  test("pieces follow each other: of two writers of one place one goes on", async () => {
    const { id } = await create();
    expect(await stores.recordings.addSegment(id, piece(0, { gaps: 1, lostBytes: 9 }))).toBe(true);
    const tried = await Promise.all(
      [1, 2, 3].map((n) => stores.recordings.addSegment(id, piece(1, { key: `try-${n}` }))),
    );

    expect(tried.filter(Boolean)).toHaveLength(1);
    expect(await stores.recordings.addSegment(id, piece(3))).toBe(false);
    expect(await stores.recordings.get(id)).toMatchObject({
      size: { cols: 80, rows: 24 },
      durationMs: 2000,
      sizeBytes: 100,
      storedBytes: 40,
      gaps: 1,
      lostBytes: 9,
      segments: 2,
      place: { bootId: "boot", stream: 7, endOffset: 200, size: { cols: 90, rows: 30 } },
    });
    const keys = (await stores.recordings.segments(id)).map(({ key }) => key);
    expect(keys).toEqual(["key-0", `try-${tried.indexOf(true) + 1}`]);
  });

  test("what was stopped takes the rest of what was printed; what has ended takes nothing", async () => {
    const [stopped, over] = [await create(), await create()];
    await end(stopped, 2, STOPPED);
    await end(over, 2, "exit 0");
    expect(await stores.recordings.addSegment(stopped.id, piece(0))).toBe(true);
    expect(await stores.recordings.addSegment(over.id, piece(0))).toBe(false);
  });

  test("small pieces become one, once", async () => {
    const { id } = await create();
    for (const number of [0, 1, 2, 3]) await stores.recordings.addSegment(id, piece(number));
    const merge = (key: string) => stores.recordings.mergeSegments(id, [0, 1, 2], { key, storedBytes: 60 });

    const tried = await Promise.all([merge("a"), merge("b")]);

    expect(tried.filter(Boolean)).toHaveLength(1);
    expect(await stores.recordings.segments(id)).toEqual([
      { number: 0, key: tried[0] ? "a" : "b", storedBytes: 60 },
      { number: 3, key: "key-3", storedBytes: 20 },
    ]);
    expect(await stores.recordings.addSegment(id, piece(4))).toBe(true);
  });

  test("deleting gives the keys that are left, and then there is nothing", async () => {
    const { id } = await create();
    await stores.recordings.addSegment(id, piece(0));
    expect(await stores.recordings.delete(id, audit("recording.deleted"))).toEqual(["key-0"]);
    expect(await stores.recordings.delete(id, audit("recording.deleted"))).toEqual([]);
    expect(await stores.recordings.get(id)).toBeUndefined();
    expect(await stores.recordings.addSegment(id, piece(1))).toBe(false);
  });

  test("a page begins behind the last, and filters hold", async () => {
    const owner = await addUser(stores);
    const agentId = randomUUID() as AgentId;
    for (const n of [1, 2, 3]) {
      const recording = await create({
        userId: owner.id,
        agentId,
        startedAt: at(n),
        sessionId: `split-${n}` as SessionId,
      });
      if (n === 2) await end(recording, 9, "stopped");
    }
    const list = (filter: RecordingFilter, after?: PageCursor) =>
      stores.recordings.list({
        filter: { userId: owner.id, ...filter },
        order: { by: "started_at", descending: true },
        limit: 2,
        ...(after === undefined ? {} : { after }),
      });
    const first = await list({});
    expect(first).toMatchObject({ total: 3, rows: [{ sessionId: "split-3" }, { sessionId: "split-2" }] });
    expect((await list({}, first.next)).rows.map(({ sessionId }) => sessionId)).toEqual(["split-1"]);
    expect((await list({ isOpen: false })).rows.map(({ sessionId }) => sessionId)).toEqual(["split-2"]);
    expect((await list({ isOpen: true })).total).toBe(2);
    expect((await list({ sessionId: "split-3" as SessionId })).total).toBe(1);
    expect((await list({ agentId: randomUUID() as AgentId })).total).toBe(0);
  });

  test("says what is recorded of agents, and whose sessions all are", async () => {
    const [plain, watched] = [await addAgent(stores, user.id), await addAgent(stores, user.id)];
    await stores.agents.update(watched.id, { name: "renamed", recordSessions: true }, audit("agent.updated"));
    const recording = await create({ agentId: plain.id });
    const over = await create({ agentId: watched.id });
    await end(over, 3, "exit 0");
    const found = await stores.recordings.ofAgents([plain.id, watched.id, randomUUID() as AgentId]);
    expect(found.open.map(({ id }) => id)).toEqual([recording.id]);
    expect(found.agents).toEqual(
      new Map([
        [plain.id, { name: plain.name, recordSessions: false }],
        [watched.id, { name: "renamed", recordSessions: true }],
      ]),
    );
  });

  test("finds what is old, what is nobody's any more, and what goes on of agents that are gone", async () => {
    const agent = await addAgent(stores, user.id);
    const [old, fresh, going] = [await create(), await create(), await create({ agentId: agent.id })];
    await end(old, 10, "exit 0");
    await end(fresh, 30, "exit 0");
    const gone = await create({ userId: randomUUID() as User["id"] });
    await end(gone, 30, "exit 0");
    const orphan = await create();
    const away = await addAgent(stores, user.id);
    const where = { instanceId: "one" as InstanceId, epoch: 1 };
    await stores.agents.markConnected(away.id, at(1), {}, where);
    const waiting = await create({ agentId: away.id });
    const mine = [old, fresh, going, gone, orphan, waiting].map(({ id }) => id);

    const expired = (await stores.recordings.expired(at(20), 1000))
      .map(({ id }) => id)
      .filter((id) => mine.includes(id));
    expect(new Set(expired)).toEqual(new Set([old.id, gone.id]));
    const forEver = (await stores.recordings.expired(undefined, 1000))
      .map(({ id }) => id)
      .filter((id) => mine.includes(id));
    expect(forEver).toEqual([gone.id]);
    const abandoned = async () => {
      const found = await stores.recordings.abandoned(at(20), 1000);
      return new Set(found.filter((id) => mine.includes(id)));
    };
    expect(await abandoned()).toEqual(new Set([orphan.id]));
    await stores.agents.markDisconnected(away.id, at(10), where);
    expect(await abandoned()).toEqual(new Set([orphan.id, waiting.id]));
    await stores.agents.markConnected(away.id, at(30), {}, { ...where, epoch: 2 });
    await stores.agents.markDisconnected(away.id, at(30), { ...where, epoch: 2 });
    expect(await abandoned()).toEqual(new Set([orphan.id]));
  });
});
