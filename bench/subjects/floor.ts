// What a relay of terminals over WebSockets costs at the very least: see floor/.

import { fileURLToPath } from "node:url";
import { startChild } from "../child.ts";
import type { Subject, SubjectOptions } from "./subject.ts";

const RELAY = fileURLToPath(new URL("../floor/relay.ts", import.meta.url));
const AGENT = fileURLToPath(new URL("../floor/agent.ts", import.meta.url));

export async function startFloor({ shell, nodeFlags }: SubjectOptions): Promise<Subject> {
  const relay = startChild(process.execPath, [...nodeFlags, RELAY], {});
  try {
    const url = (await relay.line(/^ws:/)).trim();
    const agent = startChild(process.execPath, [...nodeFlags, AGENT, url, shell], {});
    await agent.line(/^ready/);
    return {
      name: "floor",
      target: { kind: "floor", url },
      relayPid: relay.pid,
      agentPid: agent.pid,
      async stop() {
        await agent.stop();
        await relay.stop();
      },
    };
  } catch (error) {
    await relay.stop();
    throw error;
  }
}
