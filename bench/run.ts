// `npm run bench`: how fast rexec is, against what could be had at best, measured in turn.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchArguments, readArguments, USAGE } from "./arguments.ts";
import type { Bench, BenchOptions } from "./benches/bench.ts";
import { makeBulkFile } from "./bulk-file.ts";
import { PROMPT } from "./client/session.ts";
import { goalsTable, judge, mediansTable, type Results } from "./report.ts";
import { calls } from "./stages/calls.ts";
import { fleet } from "./stages/fleet.ts";
import { instances } from "./stages/instances.ts";
import type { Stage } from "./stages/stage.ts";
import { starts } from "./stages/starts.ts";
import { terminals } from "./stages/terminals.ts";
import type { Subject } from "./subjects/subject.ts";

const STAGES: readonly Stage[] = [terminals, instances, fleet, calls, starts];

/** Every terminal of every subject runs this. */
const SHELL = `#!/bin/sh\nexec env -i PATH=/usr/bin:/bin TERM=xterm PS1='${PROMPT}' /bin/sh -i\n`;

async function main(): Promise<void> {
  if (process.argv.includes("--help")) {
    console.log(USAGE);
    return;
  }
  const options = readArguments(process.argv.slice(2));
  const all = STAGES.flatMap(({ benches }) => benches.map(({ name }) => name));
  const unknown = options.names.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new Error(`no such bench: ${unknown.join(", ")}`);
  const isChosen = ({ name }: Bench): boolean => options.names.length === 0 || options.names.includes(name);
  const directory = await mkdtemp(join(tmpdir(), "rexec-bench-"));
  try {
    const results: Results = new Map();
    for (const stage of STAGES) {
      const benches = stage.benches.filter(isChosen);
      if (benches.length > 0) await runStage({ ...stage, benches }, results, { ...options, directory });
    }
    const verdicts = judge(results);
    console.log(`\n${mediansTable(results)}\n\n${goalsTable(verdicts)}`);
    if (options.json !== undefined) {
      const rounds = [...results].map(([{ name }, measured]) => [name, Object.fromEntries(measured)]);
      const report = { date: new Date().toISOString(), benches: Object.fromEntries(rounds) as object, goals: verdicts };
      await writeFile(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runStage(
  stage: Stage,
  results: Results,
  options: BenchArguments & { directory: string },
): Promise<void> {
  const directory = await mkdtemp(join(options.directory, "stage-"));
  const shell = join(directory, "shell");
  await writeFile(shell, SHELL, { mode: 0o755 });
  const needsFile = stage.benches.some(({ name }) => name.startsWith("bulk"));
  const bulkFile = await makeBulkFile(join(directory, "bulk"), needsFile ? Math.round(options.bulkMb * 1e6) : 0);
  const optionsOf = async (name: string) => {
    const own = join(directory, name);
    await mkdir(own);
    return { directory: own, shell, nodeFlags: options.nodeFlags };
  };
  const subjects: Subject[] = [];
  const endings: (() => Promise<void>)[] = [];
  try {
    await stage.start(subjects, { ...options, shell, optionsOf, atEnd: (stop) => void endings.push(stop) });
    for (const bench of stage.benches) {
      results.set(
        bench,
        await runRounds(bench, subjects, {
          ...options,
          bulk: bulkFile,
          copy: { directory, bytes: Math.round(options.copyMb * 1e6) },
        }),
      );
    }
  } finally {
    for (const subject of subjects.reverse()) await subject.stop();
    for (const stop of endings.reverse()) await stop();
  }
}

/** A B C D A B C D …: whatever else the machine does meets all of them. */
async function runRounds(
  bench: Bench,
  subjects: readonly Subject[],
  { rounds, ...options }: BenchOptions & { rounds: number },
): Promise<Map<Subject["name"], Record<string, number>[]>> {
  const measured = subjects.filter(({ name }) => bench.subjects?.includes(name) ?? true);
  const results = new Map(measured.map(({ name }) => [name, [] as Record<string, number>[]]));
  for (let round = 1; round <= rounds; round++) {
    for (const subject of measured) {
      const measures = await bench.measure(subject, options);
      results.get(subject.name)?.push(measures);
      const shown = bench.metrics.map(({ key, title, digits }) => `${title} ${measures[key]?.toFixed(digits) ?? "–"}`);
      console.log(`${bench.name} ${round}/${rounds} ${subject.name.padEnd(8)} ${shown.join(", ")}`);
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
