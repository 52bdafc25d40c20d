// What a viewer who reads 1 MB/s costs while the shell floods, and how long Ctrl-C takes him.

import { residentBytesOfTree } from "../process-usage.ts";
import { runClient } from "../run-client.ts";
import { quantile } from "../statistics.ts";
import type { TerminalSubject } from "../subjects/subject.ts";
import type { Bench } from "./bench.ts";

const SECONDS = 20;
const SAMPLE_INTERVAL_MS = 100;
const MIB = 1024 * 1024;

export const slowReader: Bench<TerminalSubject> = {
  name: "slow-reader",
  title: "a viewer of 1 MB/s, the shell floods",
  metrics: [
    { key: "promptSeconds", title: "Ctrl-C to prompt s", digits: 2 },
    { key: "relayGrowsMib", title: "relay grows MiB", digits: 2 },
    { key: "mbPerS", title: "read MB/s", digits: 2 },
  ],
  async measure({ target, relayPid }, { seconds = SECONDS }) {
    const samples: number[] = [];
    let beforeBytes = 0;
    let timer: NodeJS.Timeout | undefined;
    const resident = () => (relayPid === undefined ? 0 : residentBytesOfTree(relayPid));
    try {
      const result = await runClient({ kind: "slow-reader", target, seconds }, (at) => {
        if (at === "end") return clearInterval(timer);
        beforeBytes = resident();
        timer = setInterval(() => samples.push(resident()), SAMPLE_INTERVAL_MS);
      });
      if (relayPid === undefined || samples.length === 0) return result;
      // The last quarter: what has grown and stays. One sample alone may catch a heap before its collection.
      const held = quantile(samples.slice(-Math.ceil(samples.length / 4)), 0.5);
      return { ...result, relayGrowsMib: (held - beforeBytes) / MIB };
    } finally {
      clearInterval(timer);
    }
  },
};
