// The figures of a run as text: medians for each subject, and the goals with what was reached.

import type { Bench, Measures } from "./benches/bench.ts";
import { GOALS, type Goal } from "./goals.ts";
import { median } from "./statistics.ts";
import type { SubjectName } from "./subjects/subject.ts";

/** For each bench and subject, what each round measured. */
export type Results = Map<Bench, Map<SubjectName, Measures[]>>;

export interface Verdict extends Goal {
  /** Undefined: what it is compared with could not be measured. */
  reached: number | undefined;
  verdict: "met" | "missed" | "not measured";
}

export function judge(results: Results): Verdict[] {
  return GOALS.filter(({ bench }) => [...results.keys()].some(({ name }) => name === bench)).map((goal) => {
    const reached = reachedOf(results, goal);
    const isMet = reached !== undefined && (goal.sense === "at most" ? reached <= goal.limit : reached >= goal.limit);
    return { ...goal, reached, verdict: reached === undefined ? "not measured" : isMet ? "met" : "missed" };
  });
}

/** The median of the rounds' ratios: what disturbs the machine for a while disturbs both sides of one round. */
function reachedOf(results: Results, goal: Goal): number | undefined {
  const bench = [...results.keys()].find(({ name }) => name === goal.bench);
  const subjects = bench && results.get(bench);
  const ours = valuesOf(subjects?.get(goal.of ?? "rexec"), goal.metric);
  if (goal.against === undefined) return goal.sense === "at least" ? lowest(ours) : medianOf(ours);
  const theirs = valuesOf(subjects?.get(goal.against), goal.metric);
  const compare = goal.as === "difference" ? (a: number, b: number) => a - b : (a: number, b: number) => a / b;
  return medianOf(ours.slice(0, theirs.length).map((value, round) => compare(value, theirs[round] ?? Number.NaN)));
}

function valuesOf(rounds: readonly Measures[] | undefined, metric: string): number[] {
  return (rounds ?? []).flatMap((measures) => measures[metric] ?? []);
}

function medianOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : median(values);
}

/** Something that has to be right every time. */
function lowest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}

export function mediansTable(results: Results): string {
  const parts: string[] = [];
  for (const [bench, subjects] of results) {
    const rows = [["", ...bench.metrics.map(({ title }) => title)]];
    for (const [name, rounds] of subjects) {
      const cells = bench.metrics.map(({ key, digits }) => medianOf(valuesOf(rounds, key))?.toFixed(digits) ?? "–");
      rows.push([name, ...cells]);
    }
    parts.push(`${bench.title} (medians of ${subjects.get("rexec")?.length ?? 0} rounds)\n${table(rows)}`);
  }
  return parts.join("\n\n");
}

export function goalsTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ title, against, as, sense, limit, reached, verdict }) => [
    against === undefined || as === "difference" ? title : `${title} / ${against}`,
    `${sense === "at most" ? "≤" : "≥"} ${limit}`,
    reached?.toFixed(2) ?? "–",
    verdict,
  ]);
  return table([["goal", "", "reached", ""], ...rows]);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ");
  return rows.map((row) => `  ${line(row)}`.trimEnd()).join("\n");
}
