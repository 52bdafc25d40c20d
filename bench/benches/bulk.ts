// How fast a large file comes through, whether it is the same file then, and what that costs the processes on the way.

import { cpuSecondsOfProcess, cpuSecondsOfTree } from "../process-usage.ts";
import { runClient } from "../run-client.ts";
import type { TerminalSubject } from "../subjects/subject.ts";
import type { Bench } from "./bench.ts";

export const bulk: Bench<TerminalSubject> = {
  name: "bulk",
  title: "bulk: a file printed in the terminal",
  metrics: [
    { key: "mbPerS", title: "MB/s", digits: 1 },
    { key: "relayCpuSPerGb", title: "relay CPU s/GB", digits: 2 },
    { key: "agentCpuSPerGb", title: "agent CPU s/GB", digits: 2 },
    { key: "clientCpuSPerGb", title: "client CPU s/GB", digits: 2 },
    { key: "pieceKib", title: "KiB a piece", digits: 1 },
    { key: "isRight", title: "SHA-256 right", digits: 0 },
  ],
  async measure({ target, relayPid, otherRelayPids = [], agentPid }, options) {
    const { file, bytes, sha256 } = options.bulk;
    const usage: { relay: number; agent: number }[] = [];
    const { clientCpuSeconds = 0, ...result } = await runClient({ kind: "bulk", target, file, bytes, sha256 }, () => {
      usage.push({
        relay: relayPid === undefined ? 0 : [relayPid, ...otherRelayPids].reduce(addCpuSeconds, 0),
        // What runs in the terminal is not the agent's cost.
        agent: agentPid === undefined ? 0 : cpuSecondsOfProcess(agentPid),
      });
    });
    const [begin, end] = usage;
    if (begin === undefined || end === undefined) throw new Error("the client has not said when");
    const gigabytes = bytes / 1e9;
    return {
      ...result,
      clientCpuSPerGb: clientCpuSeconds / gigabytes,
      ...(relayPid === undefined ? {} : { relayCpuSPerGb: (end.relay - begin.relay) / gigabytes }),
      ...(agentPid === undefined ? {} : { agentCpuSPerGb: (end.agent - begin.agent) / gigabytes }),
    };
  },
};

/** The same with the viewer on another instance than the agent. */
export const bulkInstances: Bench<TerminalSubject> = {
  ...bulk,
  name: "bulk-instances",
  title: "bulk, through another instance (CPU of both, without Redis')",
};

function addCpuSeconds(sum: number, pid: number): number {
  return sum + cpuSecondsOfTree(pid);
}
