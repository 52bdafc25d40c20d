// `npm run bench`: how fast terminals are through rexec, against a bare WebSocket relay and OpenSSH, measured in turn.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchArguments, readArguments, USAGE } from "./arguments.ts";
import type { Bench, BenchOptions } from "./benches/bench.ts";
import { bulk } from "./benches/bulk.ts";
import { echo, echoFlood } from "./benches/echo.ts";
import { slowReader } from "./benches/slow-reader.ts";
import { makeBulkFile } from "./bulk-file.ts";
import { PROMPT } from "./client/session.ts";
import { goalsTable, judge, mediansTable, type Results } from "./report.ts";
import { startFloor } from "./subjects/floor.ts";
import { startRexec } from "./subjects/rexec.ts";
import { startSsh } from "./subjects/ssh.ts";
import type { Subject, SubjectOptions } from "./subjects/subject.ts";

const BENCHES: readonly Bench[] = [echo, echoFlood, bulk, slowReader];

/** Every terminal of every subject runs this. */
const SHELL = `#!/bin/sh\nexec env -i PATH=/usr/bin:/bin TERM=xterm PS1='${PROMPT}' /bin/sh -i\n`;

async function main(): Promise<void> {
  if (process.argv.includes("--help")) {
    console.log(USAGE);
    return;
  }
  const options = readArguments(process.argv.slice(2));
  const unknown = options.names.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) throw new Error(`no such bench: ${unknown.join(", ")}`);
  const benches = BENCHES.filter(({ name }) => options.names.length === 0 || options.names.includes(name));
  const directory = await mkdtemp(join(tmpdir(), "rexec-bench-"));
  const subjects: Subject[] = [];
  try {
    const shell = join(directory, "shell");
    await writeFile(shell, SHELL, { mode: 0o755 });
    const bulkBytes = benches.includes(bulk) ? Math.round(options.bulkMb * 1e6) : 0;
    const benchOptions: BenchOptions = {
      seconds: options.seconds,
      bulk: await makeBulkFile(join(directory, "bulk"), bulkBytes),
    };
    await startSubjects(subjects, { ...options, directory, shell });
    const results = await runRounds(benches, subjects, { rounds: options.rounds, benchOptions });
    const verdicts = judge(results);
    console.log(`\n${mediansTable(results)}\n\n${goalsTable(verdicts)}`);
    if (options.json !== undefined) {
      const rounds = [...results].map(([{ name }, measured]) => [name, Object.fromEntries(measured)]);
      const report = { date: new Date().toISOString(), benches: Object.fromEntries(rounds) as object, goals: verdicts };
      await writeFile(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
    }
  } finally {
    for (const subject of subjects.reverse()) await subject.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function startSubjects(
  subjects: Subject[],
  { directory, shell, nodeFlags, before }: BenchArguments & { directory: string; shell: string },
): Promise<void> {
  const optionsOf = async (name: string): Promise<SubjectOptions> => {
    const own = join(directory, name);
    await mkdir(own);
    return { directory: own, shell, nodeFlags };
  };
  subjects.push(await startRexec(await optionsOf("rexec")));
  if (before !== undefined) subjects.push(await startRexec(await optionsOf("before"), before));
  subjects.push(await startFloor(await optionsOf("floor")));
  try {
    subjects.push(...(await startSsh(await optionsOf("ssh"))));
  } catch (error) {
    console.log(`without ssh and ssh-jump: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A B C D A B C D …: whatever else the machine does meets all of them. */
async function runRounds(
  benches: readonly Bench[],
  subjects: readonly Subject[],
  { rounds, benchOptions }: { rounds: number; benchOptions: BenchOptions },
): Promise<Results> {
  const results: Results = new Map();
  for (const bench of benches) {
    const measured = new Map(subjects.map(({ name }) => [name, [] as Record<string, number>[]]));
    results.set(bench, measured);
    for (let round = 1; round <= rounds; round++) {
      for (const subject of subjects) {
        const measures = await bench.measure(subject, benchOptions);
        measured.get(subject.name)?.push(measures);
        const shown = bench.metrics.map(
          ({ key, title, digits }) => `${title} ${measures[key]?.toFixed(digits) ?? "–"}`,
        );
        console.log(`${bench.name} ${round}/${rounds} ${subject.name.padEnd(8)} ${shown.join(", ")}`);
      }
    }
  }
  return results;
}

try {
  await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 1;
}
