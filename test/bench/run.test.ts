// The benches measure what they say, end to end; how fast it is here and now is nobody's business.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const RUN = fileURLToPath(new URL("../../bench/run.ts", import.meta.url));

interface Report {
  benches: Record<string, Record<string, Record<string, number>[]>>;
  goals: { bench: string; against?: string; reached?: number; verdict: string }[];
}

async function runBenches(...commandLine: string[]): Promise<{ stdout: string; report: Report }> {
  const directory = await mkdtemp(join(tmpdir(), "rexec-bench-test-"));
  try {
    const json = join(directory, "report.json");
    const { stdout } = await promisify(execFile)(process.execPath, [RUN, ...commandLine, "--json", json]);
    return { stdout, report: JSON.parse(await readFile(json, "utf8")) as Report };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

it("measures the echo of rexec and of the floor in one run, and judges the goals", async () => {
  const { stdout, report } = await runBenches("echo", "--rounds", "1", "--seconds", "1");
  for (const subject of ["rexec", "floor"]) {
    const [round] = report.benches["echo"]![subject]!;
    expect(round!["p50Us"]).toBeGreaterThan(20);
    expect(round!["p99Us"]).toBeGreaterThanOrEqual(round!["p50Us"]!);
    expect(round!["samples"]).toBeGreaterThan(10);
  }
  const floorGoal = report.goals.find(({ against }) => against === "floor");
  expect(floorGoal?.verdict).toMatch(/^(met|missed)$/);
  // Without sshd the run says so and goes on.
  if (!report.benches["echo"]!["ssh"]) expect(stdout).toMatch(/^without ssh and ssh-jump: /m);
  expect(stdout).toMatch(/echo p50 \/ floor +≤ 1\.1 +\d/);
}, 120_000);

it("gets the right bytes in bulk, whoever carries them", async () => {
  const { report } = await runBenches("bulk", "--rounds", "1", "--bulk-mb", "3");
  expect(Object.keys(report.benches["bulk"]!)).toEqual(expect.arrayContaining(["rexec", "floor"]));
  for (const rounds of Object.values(report.benches["bulk"]!)) expect(rounds[0]!["isRight"]).toBe(1);
}, 120_000);

it("copies a file there and back over a connection that is cut each way, and it is the same file", async () => {
  const { report } = await runBenches("copy", "--rounds", "1", "--copy-mb", "64", "--seconds", "0.3");
  const [round] = report.benches["copy"]!["rexec"]!;
  expect(round!["isRight"]).toBe(1);
  expect(round!["besideRatio"]).toBeGreaterThan(0);
}, 120_000);

it("goes through a second instance, by a route of its own and over Redis, with the right bytes", async () => {
  const { report } = await runBenches(
    "echo-instances",
    "bulk-instances",
    "--rounds",
    "1",
    "--seconds",
    "1",
    "--bulk-mb",
    "3",
  );
  for (const subject of ["rexec", "second", "redis"]) {
    expect(report.benches["echo-instances"]![subject]![0]!["p50Us"]).toBeGreaterThan(20);
    expect(report.benches["bulk-instances"]![subject]![0]!["isRight"]).toBe(1);
  }
  expect(report.goals.map(({ verdict }) => verdict)).not.toContain("not measured");
}, 240_000);

it("brings one shell's flood to a hundred viewers, through the relay and through the floor", async () => {
  const { report } = await runBenches("fan-out", "--rounds", "1", "--seconds", "1");
  for (const subject of ["rexec", "floor"]) {
    const [round] = report.benches["fan-out"]![subject]!;
    expect(round!["mbPerS"]).toBeGreaterThan(0);
    expect(round!["relayCpuSPerGb"]).toBeGreaterThan(0);
  }
}, 240_000);

it("takes every agent back after a cut and after a kill, and sees what they cost while they are idle", async () => {
  const short = ["--rounds", "1", "--seconds", "1", "--agents", "40"];
  const { report } = await runBenches("idle-agents", "reconnect-storm", ...short);
  for (const subject of ["rexec", "floor"]) {
    expect(report.benches["idle-agents"]![subject]![0]!["cpuPercent"]).toBeGreaterThanOrEqual(0);
    const [storm] = report.benches["reconnect-storm"]![subject]!;
    expect(storm!["perS"]).toBeGreaterThan(0);
    expect(storm!["areTakenBack"]).toBe(1);
  }
  expect(report.benches["reconnect-storm"]!["rexec"]![0]!["echoP99Ms"]).toBeGreaterThan(0);
}, 240_000);

it("times calls beside the database alone, and starts beside a bare Node", async () => {
  const { report } = await runBenches("calls", "start", "--rounds", "1", "--seconds", "1");
  for (const subject of ["rexec", "database"]) {
    const [round] = report.benches["calls"]![subject]!;
    expect(round!["registerP99Ms"]).toBeGreaterThan(0);
    expect(round!["listP99Ms"]).toBeGreaterThan(0);
  }
  const starts = (subject: string) => report.benches["start"]![subject]![0]!;
  expect(starts("rexec")["serverS"]).toBeGreaterThan(starts("floor")["serverS"]!);
  expect(starts("rexec")["attachMs"]).toBeGreaterThan(0);
}, 240_000);
