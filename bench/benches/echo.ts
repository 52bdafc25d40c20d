// How long a key's echo takes: with nothing else going on, and beside a session that floods.

import { runClient } from "../run-client.ts";
import type { TerminalSubject } from "../subjects/subject.ts";
import type { Bench } from "./bench.ts";

const SECONDS = 3;

const LATENCIES = [
  { key: "p50Us", title: "p50 µs", digits: 0 },
  { key: "p99Us", title: "p99 µs", digits: 0 },
] as const;

export const echo: Bench<TerminalSubject> = {
  name: "echo",
  title: "echo, idle",
  metrics: LATENCIES,
  measure: ({ target }, { seconds = SECONDS }) => runClient({ kind: "echo", target, seconds }, () => {}),
};

export const echoFlood: Bench<TerminalSubject> = {
  name: "echo-flood",
  title: "echo while another session of the same agent floods",
  metrics: [...LATENCIES, { key: "floodMbPerS", title: "flood MB/s", digits: 1 }],
  async measure({ target }, { seconds = SECONDS }) {
    let echoed: Record<string, number> = {};
    const flood = await runClient({ kind: "flood", target }, async () => {
      echoed = await runClient({ kind: "echo", target, seconds }, () => {});
    });
    return { ...echoed, floodMbPerS: flood["mbPerS"] ?? 0 };
  },
};

/** The same with the viewer on another instance than the agent. */
export const echoInstances: Bench<TerminalSubject> = {
  ...echo,
  name: "echo-instances",
  title: "echo, through another instance",
};
