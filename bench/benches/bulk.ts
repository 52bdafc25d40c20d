// How fast a large file comes through, whether it is the same file then, and what that costs the relay.

import { cpuSecondsOfTree } from "../process-usage.ts";
import { runClient } from "../run-client.ts";
import type { Bench } from "./bench.ts";

export const bulk: Bench = {
  name: "bulk",
  title: "bulk: a file printed in the terminal",
  metrics: [
    { key: "mbPerS", title: "MB/s", digits: 1 },
    { key: "relayCpuSPerGb", title: "relay CPU s/GB", digits: 2 },
    { key: "isRight", title: "SHA-256 right", digits: 0 },
  ],
  async measure({ target, relayPid }, options) {
    const { file, bytes, sha256 } = options.bulk;
    const cpuSeconds: number[] = [];
    const result = await runClient({ kind: "bulk", target, file, bytes, sha256 }, () => {
      if (relayPid !== undefined) cpuSeconds.push(cpuSecondsOfTree(relayPid));
    });
    const [begin, end] = cpuSeconds;
    if (begin === undefined || end === undefined) return result;
    return { ...result, relayCpuSPerGb: (end - begin) / (bytes / 1e9) };
  },
};
