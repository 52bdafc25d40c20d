// Many callers at once, each with its next call as soon as the last one is answered: how long the calls take.

import { quantile } from "../statistics.ts";
import type { CallTarget } from "../target.ts";
import { openDatabaseCalls } from "./database-calls.ts";
import { openGrpcCalls } from "./grpc-calls.ts";

export interface CallsJob {
  kind: "calls";
  target: CallTarget;
  callers: number;
  seconds: number;
}

/** The calls that are measured, whoever answers them. */
export interface Calls {
  /** Each a name that no agent has. */
  register(name: string): Promise<unknown>;
  /** A hundred agents. */
  list(): Promise<unknown>;
  close(): Promise<void>;
}

const WARM_UP_CALLS = 100;

export async function measureCalls(job: CallsJob): Promise<Record<string, number>> {
  const calls = job.target.kind === "grpc" ? openGrpcCalls(job.target) : await openDatabaseCalls(job.target);
  try {
    const run = Date.now().toString(36);
    let named = 0;
    const registering = await timeCalls(job, () => calls.register(`call-${run}-${named++}`));
    const listing = await timeCalls(job, () => calls.list());
    return {
      registerP99Ms: quantile(registering.samplesMs, 0.99),
      registerPerS: registering.perS,
      listP99Ms: quantile(listing.samplesMs, 0.99),
      listPerS: listing.perS,
    };
  } finally {
    await calls.close();
  }
}

async function timeCalls(
  { callers, seconds }: CallsJob,
  call: () => Promise<unknown>,
): Promise<{ samplesMs: number[]; perS: number }> {
  for (let count = 0; count < WARM_UP_CALLS; count++) await call();
  const samplesMs: number[] = [];
  const startedAtMs = performance.now();
  const endAtMs = startedAtMs + seconds * 1000;
  const caller = async () => {
    while (performance.now() < endAtMs) {
      const calledAtMs = performance.now();
      await call();
      samplesMs.push(performance.now() - calledAtMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { samplesMs, perS: (1000 * samplesMs.length) / (performance.now() - startedAtMs) };
}
