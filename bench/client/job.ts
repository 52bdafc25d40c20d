// What a bench asks of a client process, and what the two say to each other.

import type { BulkJob } from "./bulk.ts";
import type { CallsJob } from "./calls.ts";
import type { EchoJob } from "./echo.ts";
import type { FanOutJob } from "./fan-out.ts";
import type { FloodJob } from "./flood.ts";
import type { SlowReaderJob } from "./slow-reader.ts";
import type { WitnessJob } from "./witness.ts";

export type Job = EchoJob | BulkJob | FloodJob | SlowReaderJob | FanOutJob | WitnessJob | CallsJob;

/** A client stops at a mark until it is told to go on: what is measured from outside is read then. */
export type ClientMessage =
  | { kind: "mark"; at: "begin" | "end" }
  | { kind: "result"; result: Record<string, number> }
  | { kind: "failed"; message: string };
