// A watch that is followed for ever.

import { describe, expect, it } from "vitest";
import { followWatch } from "./follow-watch.ts";

interface Told {
  resumeToken: string;
  value?: number;
}

/** A hundredth of every pause is waited for: nobody sits through ten seconds. */
const HUNDREDTH = -0.98;

class Refusal extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(`refused: ${reason}`);
    this.reason = reason;
  }
}

/** Each stream of `streams` once; the last thing of one may be what it breaks with. Ends when none is left. */
async function followed(streams: readonly (readonly (Told | Refusal)[])[], random = HUNDREDTH, livesMs = 0) {
  const ended = new AbortController();
  const tokens: string[] = [];
  const values: number[] = [];
  const lost: { failure: unknown; waitMs: number | undefined }[] = [];
  let nowMs = 0;
  await followWatch<Told>(
    { now: () => nowMs, random: () => random },
    async function* (resumeToken) {
      tokens.push(resumeToken);
      nowMs += livesMs;
      for (const told of streams[tokens.length - 1] ?? []) {
        if (told instanceof Refusal) throw told;
        yield told;
      }
    },
    {
      onResponse: ({ value }) => void (value === undefined || values.push(value)),
      onLost(failure, retryAtMs) {
        lost.push({ failure, waitMs: retryAtMs === undefined ? undefined : retryAtMs - nowMs });
        if (lost.length >= streams.length) ended.abort();
      },
    },
    ended.signal,
  );
  return { tokens, values, lost, waits: lost.map(({ waitMs }) => waitMs) };
}

describe("following a watch", () => {
  it("goes on where it was", async () => {
    const { tokens, values } = await followed([
      [{ resumeToken: "t1", value: 1 }, { resumeToken: "t2", value: 2 }, new Refusal("UNAVAILABLE")],
      [{ resumeToken: "t3", value: 3 }],
      [],
    ]);
    expect([tokens, values]).toEqual([
      ["", "t2", "t3"],
      [1, 2, 3],
    ]);
  });

  it("begins anew where a snapshot broke off: there is no place within it", async () => {
    const { tokens } = await followed([[{ resumeToken: "", value: 1 }, new Refusal("UNAVAILABLE")], []]);
    expect(tokens).toEqual(["", ""]);
  });

  it("goes back to its last place where a later snapshot broke off", async () => {
    const { tokens } = await followed([[{ resumeToken: "t1" }, { resumeToken: "" }, new Refusal("UNAVAILABLE")], []]);
    expect(tokens).toEqual(["", "t1"]);
  });

  it("begins anew where the server does not know the place", async () => {
    const { tokens } = await followed([[{ resumeToken: "t1" }], [new Refusal("INVALID_ARGUMENT")], []]);
    expect(tokens).toEqual(["", "t1", ""]);
  });

  it("ends where the server does not take what is asked, and not only its place", async () => {
    const { tokens, waits } = await followed([[new Refusal("INVALID_ARGUMENT")], [{ resumeToken: "t" }]]);
    expect([tokens, waits]).toEqual([[""], [undefined]]);
  });

  it("reads on when a response has been dealt with", async () => {
    const seen: string[] = [];
    const ended = new AbortController();
    await followWatch<Told>(
      { now: () => 0, random: () => 1 },
      async function* () {
        seen.push("read");
        yield { resumeToken: "" };
        seen.push("read");
        yield { resumeToken: "" };
        ended.abort();
      },
      {
        onResponse: () => new Promise((resolve) => setImmediate(() => resolve(void seen.push("dealt with")))),
        onLost() {},
      },
      ended.signal,
    );
    expect(seen).toEqual(["read", "dealt with", "read", "dealt with"]);
  });

  it("says that it is lost when the stream just ends, and when it will be tried again", async () => {
    const { lost } = await followed([[]]);
    expect(lost).toMatchObject([{ failure: { reason: "UNREACHABLE" } }]);
    expect(lost[0]?.waitMs).toBeCloseTo(5);
  });

  it("pauses twice as long each time, up to a bound", async () => {
    const { waits } = await followed(Array.from({ length: 8 }, () => []));
    expect(waits.map((ms) => Math.round(ms ?? 0))).toEqual([5, 10, 20, 40, 80, 100, 100, 100]);
  });

  it("pauses half of that at least, and never more: not everybody comes back at once", async () => {
    expect((await followed([[]], 0)).waits).toEqual([250]);
    expect((await followed([[]], 1)).waits).toEqual([500]);
  });

  it("pauses shortly again after a stream that lived", async () => {
    const streams = Array.from({ length: 4 }, () => []);
    expect((await followed(streams, HUNDREDTH, 10_000)).waits.map((ms) => Math.round(ms ?? 0))).toEqual([5, 5, 5, 5]);
  });

  it.each(["TOKEN_INVALID", "NOT_AUTHORIZED", "UNIMPLEMENTED"])(
    "ends where the server says %s for good",
    async (why) => {
      const { tokens, lost } = await followed([[new Refusal(why)], [{ resumeToken: "t" }]]);
      expect([tokens, lost]).toEqual([[""], [{ failure: new Refusal(why), waitMs: undefined }]]);
    },
  );

  it("ends with its signal while it waits", async () => {
    const ended = new AbortController();
    const following = followWatch<Told>(
      { now: () => 0, random: () => 1 },
      async function* () {
        yield { resumeToken: "" };
      },
      { onResponse() {}, onLost: () => setImmediate(() => ended.abort()) },
      ended.signal,
    );
    await expect(following).resolves.toBeUndefined();
  });
});
