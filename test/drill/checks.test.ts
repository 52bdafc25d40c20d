// A drill is worth what its checks find: whatever is done to a stream, they say what, and where.

import { describe, expect, it } from "vitest";
import { OutputCheck } from "../../drill/output-check.ts";
import { createRandom } from "../../drill/random.ts";
import { makeSchedule } from "../../drill/schedule.ts";
import { Timeline } from "../../drill/timeline.ts";
import { checkTyped, typedBy, typedBytes } from "../../drill/typed-symbols.ts";
import { streamBytes } from "../support/stream-bytes.js";

const SEED = 77;

/** In pieces as a socket brings them. */
function checkOutput(...pieces: Uint8Array[]): OutputCheck["figures"] {
  const check = new OutputCheck(SEED);
  for (const piece of pieces) check.take(piece);
  return check.figures;
}

const output = (from: number, to: number): Buffer => streamBytes(from, to - from, SEED);

describe("output", () => {
  it("is right in whatever pieces it comes", () => {
    expect(checkOutput(output(0, 1), output(1, 40), output(40, 40), output(40, 5_000))).toEqual({
      checked: 5_000,
      lost: 0,
      doubled: 0,
      reordered: 0,
      foreign: 0,
      firstProblem: undefined,
    });
  });

  it("that lacks one byte lacks just that", () => {
    const figures = checkOutput(output(0, 100), output(101, 3_000));
    expect(figures).toMatchObject({ checked: 2_999, lost: 1 });
    // Some of the bytes that follow are the same as those that are missing.
    expect(figures.firstProblem).toMatch(/^lost 1 bytes at 10/);
  });

  it("that comes twice is doubled", () => {
    const figures = checkOutput(output(0, 1_000), output(900, 3_000));
    expect(figures).toMatchObject({ lost: 0, doubled: 100, firstProblem: "doubled bytes at 1000: those of 900" });
  });

  it("that comes late is reordered", () => {
    const figures = checkOutput(output(0, 1_000), output(1_500, 2_000), output(1_000, 1_500), output(2_000, 3_000));
    expect(figures).toMatchObject({ lost: 500 + 500, reordered: 500 });
  });

  it("of another terminal is foreign", () => {
    const figures = checkOutput(output(0, 1_000), streamBytes(1_000, 64, SEED + 1), output(1_000, 3_000));
    expect(figures.checked + figures.foreign).toBe(3_064);
    expect(figures.foreign).toBeGreaterThan(32);
  });

  it("with one byte changed has one foreign byte", () => {
    const bytes = output(0, 3_000);
    bytes[1_003] = (bytes[1_003] ?? 0) ^ 1;
    expect(checkOutput(bytes)).toMatchObject({ checked: 2_999, foreign: 1, firstProblem: "changed byte at 1003" });
  });
});

describe("what two typed into one shell", () => {
  const [ana, ben] = [
    { typist: 0, seed: SEED },
    { typist: 1, seed: SEED + 1 },
  ];
  const whole = { lost: 0, doubled: 0, foreign: 0, firstProblem: undefined };
  const check = (arrived: Uint8Array, told: { from: number; to: number }[] = []) =>
    checkTyped(ana, { typed: 2_000, arrived: typedBy(ana.typist, arrived), told });
  const ofAna = (from: number, to: number): Buffer => Buffer.from(typedBytes(ana, from, to - from));

  it("is told apart", () => {
    const both = [ofAna(0, 700), typedBytes(ben, 0, 333), ofAna(700, 2_000), typedBytes(ben, 333, 100)];
    expect(check(Buffer.concat(both))).toMatchObject(whole);
  });

  it("lacks what was lost in the middle and at the end", () => {
    expect(check(Buffer.concat([ofAna(0, 700), ofAna(701, 2_000)]))).toMatchObject({ lost: 1 });
    expect(check(ofAna(0, 1_990))).toMatchObject({ lost: 10, firstProblem: "lost 10 bytes at the end, from 1990" });
  });

  it("has what was typed twice", () => {
    expect(check(Buffer.concat([ofAna(0, 700), ofAna(650, 2_000)]))).toMatchObject({ lost: 0, doubled: 50 });
  });

  it("may lack what its typist was told to be lost, and nothing else", () => {
    const told = [{ from: 600, to: 800 }];
    for (const arrivedOfIt of [0, 30, 200]) {
      const arrived = Buffer.concat([ofAna(0, 600 + arrivedOfIt), ofAna(800, 2_000)]);
      expect(check(arrived, told)).toMatchObject(whole);
    }
    expect(check(Buffer.concat([ofAna(0, 590), ofAna(800, 2_000)]), told)).toMatchObject({ lost: 210 });
  });
});

it("a seed makes one schedule, and another one another", () => {
  const of = (seed: number) => makeSchedule(createRandom(seed), { minutes: 10, kills: undefined, only: [] });
  expect(of(5)).toEqual(of(5));
  expect(of(6)).not.toEqual(of(5));
});

it("a silence is explained by what was done, for as long as that may show", () => {
  const timeline = new Timeline(1);
  timeline.disturbances.push({ kind: "kill", what: "kill", isAlone: true, beganAtMs: 60_000, healedAtMs: 90_000 });
  expect(timeline.explains({ fromMs: 30_000, toMs: 39_000 })).toBe(true);
  expect(timeline.explains({ fromMs: 30_000, toMs: 45_000 })).toBe(false);
  expect(timeline.explains({ fromMs: 60_000, toMs: 71_000 })).toBe(true);
  expect(timeline.explains({ fromMs: 60_000, toMs: 75_000 })).toBe(false);
});
