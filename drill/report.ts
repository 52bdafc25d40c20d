// The verdict as people read it.

import { seconds, type StreamVerdict, type Verdict } from "./verdict.ts";

/** Gaps that are listed of one stream. */
const MAX_GAPS = 4;

export function verdictText({ streams, failovers, broken }: Verdict): string {
  const table = [
    ["stream", "", "checked", "lost", "doubled", "reordered", "foreign", "gaps", "longest silence"],
    ...streams.map((stream) => [
      stream.name,
      stream.direction,
      megabytes(stream.checked),
      ...[stream.lost, stream.doubled, stream.reordered, stream.foreign].map(String),
      gapsOf(stream),
      stream.longestSilenceMs === undefined ? "" : `${seconds(stream.longestSilenceMs)} (${stream.during})`,
    ]),
  ];
  const parts = [columns(table), totals(streams)];
  for (const { kind, count, disturbed, p50Ms, p99Ms, limitMs } of failovers) {
    if (count === 0) continue;
    const quantiles =
      p50Ms === undefined || p99Ms === undefined
        ? ""
        : `: p50 ${seconds(p50Ms)}, p99 ${seconds(p99Ms)} (${seconds(limitMs)})`;
    const others = disturbed === 0 ? "" : `, and ${disturbed} among other faults`;
    parts.push(
      `from a ${kind} of its instance to an agent's next echo, ${count - disturbed} times${quantiles}${others}`,
    );
  }
  parts.push(
    broken.length === 0 ? "every promise was kept" : `BROKEN:\n${broken.map((what) => `  ${what}`).join("\n")}`,
  );
  return parts.join("\n");
}

function totals(streams: readonly StreamVerdict[]): string {
  const sum = (wanted: StreamVerdict["direction"][]): string =>
    megabytes(
      streams.filter(({ direction }) => wanted.includes(direction)).reduce((all, { checked }) => all + checked, 0),
    );
  return `checked in all: ${sum(["output"])} of output, ${sum(["input"])} of input, ${sum(["echo"])} of echoes`;
}

function gapsOf({ gaps, toldLost }: StreamVerdict): string {
  const listed = gaps.slice(0, MAX_GAPS).map(({ from, to }) => `${from}…${to}`);
  if (gaps.length > MAX_GAPS) listed.push(`and ${gaps.length - MAX_GAPS} more`);
  if (toldLost > 0) listed.push(`${toldLost} told as lost`);
  return listed.length === 0 ? "0" : `${gaps.length} (${listed.join(", ")})`;
}

export function megabytes(bytes: number): string {
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          isText(column, row.length) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function isText(column: number, columns: number): boolean {
  return column < 2 || column === columns - 1;
}
