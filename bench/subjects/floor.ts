// What a relay of terminals over WebSockets costs at the very least: see floor/.

import { fileURLToPath } from "node:url";
import { type Child, startChild } from "../child.ts";
import type { TerminalSubject, SubjectOptions } from "./subject.ts";

const RELAY = fileURLToPath(new URL("../floor/relay.ts", import.meta.url));
const SOURCE = fileURLToPath(new URL("../floor/source.ts", import.meta.url));
const AGENT = fileURLToPath(new URL("../floor/agent.ts", import.meta.url));

export async function startFloor({ shell, nodeFlags }: SubjectOptions): Promise<TerminalSubject> {
  const children = [startChild(process.execPath, [...nodeFlags, RELAY], {})];
  const stop = async () => {
    for (const child of children.reverse()) await child.stop();
  };
  try {
    const [relay] = children as [Child];
    const url = (await relay.line(/^ws:/)).trim();
    const agent = startChild(process.execPath, [...nodeFlags, AGENT, url, shell], {});
    const source = startChild(process.execPath, [SOURCE, url], {});
    children.push(agent, source);
    await Promise.all([agent.line(/^ready/), source.line(/^ready/)]);
    return { name: "floor", target: { kind: "floor", url }, relayPid: relay.pid, agentPid: agent.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
