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
  async measure({ target, relayPid, otherRelayPids = [] }, { seconds = SECONDS }) {
    const relayPids = relayPid === undefined ? [] : [relayPid, ...otherRelayPids];
    /** Of each relay. */
    let before: number[] = [];
    const samples: number[][] = [];
    let timer: NodeJS.Timeout | undefined;
    const resident = () => relayPids.map(residentBytesOfTree);
    try {
      const result = await runClient({ kind: "slow-reader", target, seconds }, (at) => {
        if (at === "end") return clearInterval(timer);
        before = resident();
        timer = setInterval(() => samples.push(resident()), SAMPLE_INTERVAL_MS);
      });
      if (relayPids.length === 0 || samples.length === 0) return result;
      // The last quarter: what has grown and stays. One sample alone may catch a heap before its collection.
      const last = samples.slice(-Math.ceil(samples.length / 4));
      const grown = before.map(
        (bytes, index) =>
          quantile(
            last.map((each) => each[index] as number),
            0.5,
          ) - bytes,
      );
      return { ...result, relayGrowsMib: Math.max(...grown) / MIB };
    } finally {
      clearInterval(timer);
    }
  },
};

/** The same with the viewer on another instance than the agent: of the two, what the one grows that grows more. */
export const slowReaderInstances: Bench<TerminalSubject> = {
  ...slowReader,
  name: "slow-reader-instances",
  title: "a viewer of 1 MB/s on another instance, the shell floods",
};
