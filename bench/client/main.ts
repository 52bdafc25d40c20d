// A bench's client: a process of its own that does one job and tells what it measured.

import { once } from "node:events";
import { measureBulk } from "./bulk.ts";
import { measureCalls } from "./calls.ts";
import { measureEcho } from "./echo.ts";
import { measureFanOut } from "./fan-out.ts";
import { runFlood } from "./flood.ts";
import type { ClientMessage, Job } from "./job.ts";
import { measureSlowReader } from "./slow-reader.ts";
import { watchEchoes } from "./witness.ts";

const tell = (message: ClientMessage) => process.send?.(message);

async function mark(at: "begin" | "end"): Promise<void> {
  const goOn = once(process, "message");
  tell({ kind: "mark", at });
  await goOn;
}

function run(job: Job): Promise<Record<string, number>> {
  switch (job.kind) {
    case "echo":
      return measureEcho(job);
    case "bulk":
      return measureBulk(job, mark);
    case "flood":
      return runFlood(job, () => mark("begin"));
    case "slow-reader":
      return measureSlowReader(job, mark);
    case "witness":
      return watchEchoes(job, () => mark("begin"));
    case "calls":
      return measureCalls(job);
    case "fan-out":
      return measureFanOut(job, mark);
  }
}

try {
  const result = await run(JSON.parse(process.argv[2] ?? "") as Job);
  tell({ kind: "result", result });
} catch (error) {
  tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
}
process.disconnect();
// A connection that does not close in order must not keep the process.
setTimeout(() => process.exit(), 1000).unref();
