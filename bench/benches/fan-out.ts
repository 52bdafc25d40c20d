// One shell floods, and a hundred viewers look at it: what the relay spends on each byte that it delivers.

import { cpuSecondsOfTree } from "../process-usage.ts";
import { runClient } from "../run-client.ts";
import type { TerminalSubject } from "../subjects/subject.ts";
import type { Bench } from "./bench.ts";

const SECONDS = 5;
const CLIENTS = 2;
const VIEWERS = 100;

export const fanOut: Bench<TerminalSubject> = {
  name: "fan-out",
  title: `${VIEWERS} viewers on one shell that floods`,
  metrics: [
    { key: "relayCpuSPerGb", title: "relay CPU s/delivered GB", digits: 2 },
    { key: "mbPerS", title: "delivered MB/s", digits: 1 },
    { key: "pieceKib", title: "KiB a piece", digits: 1 },
  ],
  subjects: ["rexec", "before", "floor"],
  async measure({ target, relayPid }, { seconds = SECONDS }) {
    if (relayPid === undefined) throw new Error("nothing to measure");
    const begun = rendezvous(CLIENTS);
    const ended = rendezvous(CLIENTS);
    const cpuSeconds: number[] = [];
    const readCpu = () => cpuSeconds.push(cpuSecondsOfTree(relayPid));
    const flooding = Promise.withResolvers<void>();
    const run = (isFirst: boolean) => {
      // The floor floods by itself as soon as somebody watches.
      const floods = isFirst && target.kind === "rexec";
      return runClient({ kind: "fan-out", target, viewers: VIEWERS / CLIENTS, floods, seconds }, (at) => {
        if (isFirst) flooding.resolve();
        return at === "begin" ? begun(readCpu) : ended(readCpu);
      });
    };
    const first = run(true);
    await Promise.race([flooding.promise, first]);
    const results = await Promise.all([first, ...Array.from({ length: CLIENTS - 1 }, () => run(false))]);
    const sum = (key: string) => results.reduce((total, result) => total + (result[key] ?? 0), 0);
    const [before = 0, after = 0] = cpuSeconds;
    return {
      relayCpuSPerGb: (after - before) / (sum("bytes") / 1e9),
      mbPerS: sum("mbPerS"),
      pieceKib: sum("bytes") / 1024 / sum("pieces"),
    };
  },
};

/** Whoever comes waits until all have come; `onAll` is called then. */
function rendezvous(parties: number): (onAll: () => void) => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let missing = parties;
  return (onAll) => {
    if (--missing === 0) {
      onAll();
      resolve();
    }
    return promise;
  };
}
