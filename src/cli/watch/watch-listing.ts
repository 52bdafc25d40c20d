// `--watch` of a list: the table drawn again as it changes where there is a terminal, else one line of JSON for each change.

import type { StateResponse } from "../../watch/follow-watch.ts";
import type { Api } from "../api.ts";
import { CliError } from "../cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags } from "../command-context.ts";
import { type Column, renderListing } from "../output.ts";
import { follow } from "./follow.ts";
import { PacedOutput } from "./paced-output.ts";
import { TableScreen } from "./table-screen.ts";
import { WatchedRows } from "./watched-rows.ts";

export interface WatchedListing<Row, Removed> {
  open(
    api: Api,
    resumeToken: string,
    signal: AbortSignal,
    onOpen: () => void,
  ): AsyncIterable<StateResponse<Row, Removed>>;
  keyOf(row: Row): string;
  removedKey(removed: Removed): string;
  compare(a: Row, b: Row): number;
  columns(now: Date): readonly Column<Row>[];
  json(row: Row): Record<string, unknown>;
  /** Finds out what else the row's columns need. */
  prepare?(row: Row, api: Api): Promise<void>;
}

/** Until it is interrupted; see `follow` for what is thrown. */
export async function watchListing<Row, Removed>(
  listing: WatchedListing<Row, Removed>,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const format = formatOf(flags);
  if (format === "name") {
    const hint = "-o jsonl has the names, too";
    throw new CliError("USAGE", { message: "--watch has no -o name", hint });
  }
  const output = new PacedOutput({ isQuiet: flags.quiet ?? false });
  const rows = new WatchedRows<Row, Removed>(listing);
  const name = (row: Row): string => listing.keyOf(row);
  const render = (): string[] => {
    const columns = listing.columns(new Date());
    const sorted = rows.rows.sort((a, b) => listing.compare(a, b));
    return renderListing({ rows: sorted, columns, json: (row: Row) => listing.json(row), name }, format)
      .trimEnd()
      .split("\n");
  };
  const isDrawn = process.stdout.isTTY && (format === "table" || format === "wide");
  const screen = isDrawn ? new TableScreen(output, render) : undefined;
  try {
    await follow<StateResponse<Row, Removed>>(
      {
        open(api, resumeToken, signal, onOpen) {
          if (resumeToken === "") rows.beginSnapshot();
          return listing.open(api, resumeToken, signal, onOpen);
        },
        async onResponse({ change }, api) {
          if (change?.$case === "upserted") await listing.prepare?.(change.value, api);
          const changes = rows.apply(change);
          if (screen === undefined) {
            const lines = changes.map(({ kind, row }) => `${JSON.stringify({ change: kind, ...listing.json(row) })}\n`);
            await output.print(lines.join(""));
          } else if (rows.isComplete) screen.changed();
        },
        output,
        ...(screen === undefined ? {} : { notice: (text: string) => screen.notice(text) }),
      },
      flags,
      context,
    );
  } finally {
    screen?.close();
    await output.flushed();
  }
}

/** The order that `--order` names: "name", "created_at desc". Of what is equal there, the order in which it was told. */
export function orderOf<Row>(
  order: string,
  fields: Readonly<Record<string, (row: Row) => string | number>>,
): (a: Row, b: Row) => number {
  const [field = "", direction] = order.split(" ");
  const value = fields[field] ?? (() => 0);
  const sign = direction === "desc" ? -1 : 1;
  return (a, b) => {
    const [left, right] = [value(a), value(b)];
    return left === right ? 0 : left < right ? -sign : sign;
  };
}
