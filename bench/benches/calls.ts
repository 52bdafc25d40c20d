// What callers wait for: an agent's registration and a list of agents, against the database's own time for the same.

import { runClient } from "../run-client.ts";
import type { CallTarget } from "../target.ts";
import type { Subject } from "../subjects/subject.ts";
import type { Bench } from "./bench.ts";

const SECONDS = 5;
const CALLERS = 64;

export interface CallSubject extends Subject {
  target: CallTarget;
}

export const calls: Bench<CallSubject> = {
  name: "calls",
  title: `calls of ${CALLERS} callers at once`,
  metrics: [
    { key: "registerP99Ms", title: "RegisterAgent p99 ms", digits: 1 },
    { key: "registerPerS", title: "a second", digits: 0 },
    { key: "listP99Ms", title: "ListAgents(100) p99 ms", digits: 1 },
    { key: "listPerS", title: "a second", digits: 0 },
  ],
  measure: ({ target }, { seconds = SECONDS }) =>
    runClient({ kind: "calls", target, callers: CALLERS, seconds }, () => {}),
};
