// Many agents' connections, spread over a few processes: one alone would be as busy as the server that it measures.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { FleetCommand, FleetMember, FleetOnline } from "./messages.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const PROCESSES = 2;
/** On a busy machine ten thousand take their time. */
const ANSWER_TIMEOUT_MS = 300_000;
/** Files that a server has open beside its agents' sockets. */
const OTHER_FILES = 200;

export interface Fleet {
  /** Cuts all and waits until all have dialled again. */
  drop(): Promise<FleetOnline>;
  /** To be called before connections are lost; resolves when each has come back by itself. */
  comeBack(): Promise<FleetOnline>;
  /** From now on so many of them a second report their load. */
  report(perSecond: number): Promise<FleetOnline>;
  end(): Promise<void>;
}

/** `welcomes`: the server speaks rexec.v2. Throws where this machine does not allow so many connections. */
export async function connectFleet(members: readonly FleetMember[], welcomes: boolean): Promise<Fleet> {
  requireOpenFiles(members.length + OTHER_FILES);
  const children = Array.from({ length: PROCESSES }, () => fork(MAIN, { serialization: "advanced" }));
  const tellAll = async (commandOf: (index: number) => FleetCommand): Promise<FleetOnline> => {
    const answers = await Promise.all(children.map((child, index) => ask(child, commandOf(index))));
    const sum = (key: "refused" | "failed") => answers.reduce((total, answer) => total + answer[key], 0);
    return { refused: sum("refused"), failed: sum("failed"), why: answers.map(({ why }) => why).join(" ") };
  };
  const end = async () => {
    for (const child of children) {
      if (!child.connected) continue;
      child.disconnect();
      await once(child, "exit");
    }
  };
  try {
    await tellAll((index) => {
      const own = members.filter((_, at) => at % PROCESSES === index);
      return { kind: "connect", members: own, welcomes };
    });
  } catch (error) {
    await end();
    throw error;
  }
  return {
    drop: () => tellAll(() => ({ kind: "drop" })),
    comeBack: () => tellAll(() => ({ kind: "come-back" })),
    report: (perSecond) => tellAll(() => ({ kind: "report", perSecond: perSecond / PROCESSES })),
    end,
  };
}

async function ask(child: ChildProcess, command: FleetCommand): Promise<FleetOnline> {
  const over = new AbortController();
  const { signal } = over;
  const fail = async (what: Promise<unknown>, message: string) => {
    await what;
    throw new Error(`fleet: ${message}`);
  };
  const answer = once(child, "message", { signal }) as Promise<[FleetOnline]>;
  child.send(command);
  try {
    const [online] = await Promise.race([
      answer,
      fail(once(child, "exit", { signal }), "a process has ended"),
      fail(sleep(ANSWER_TIMEOUT_MS, undefined, { signal }), `not all are online in ${ANSWER_TIMEOUT_MS} ms`),
    ]);
    return online;
  } finally {
    over.abort();
  }
}

/** Node raises the soft limit to the hard one by itself. */
function requireOpenFiles(count: number): void {
  const limit = Number(/^Max open files +\S+ +(\S+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1]);
  if (limit < count)
    throw new Error(`${count} files must be open at once, ${limit} may be: raise ulimit -Hn, or lower --agents`);
}
