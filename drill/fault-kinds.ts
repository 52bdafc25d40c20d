// What a drill does to the cluster, and what that may cost. The numbers are promises: docs/operations.md, "Drills".

/** Whom a fault is done to; two faults never have the same victim at once. holder: the instance that holds an agent. */
export type Victim =
  | "instance"
  | "holder"
  | "all instances"
  | "viewer"
  | "agent"
  | "canary"
  | "redis"
  | "postgres"
  | "passer-by"
  /** The time of day of one process. */
  | "clock";

export interface FaultKindRow {
  of: Victim;
  /** How often, against the others. */
  weight: number;
  /** How long it lasts, in seconds. */
  seconds: readonly [from: number, to: number];
  /** Nothing else goes on meanwhile: what it looks at would have other causes. */
  isAlone?: true;
  /** Only in drills that last longer than this, in minutes. */
  minMinutes?: number;
  /**
   * Until when a viewer's output may be silent for it: so many seconds after it began, or after it was healed. Backoff
   * makes the second longer than the fault: agents wait up to 30 s between two attempts, viewers up to 10 s.
   */
  silence: { afterBegin: number } | { afterHealed: number };
}

const KINDS = {
  /** SIGKILL; started again when it is over. */
  kill: { of: "instance", weight: 4, seconds: [0, 4], silence: { afterBegin: 10 } },
  /** The same with the instance that holds an agent. */
  "kill-holder": { of: "holder", weight: 4, seconds: [0, 4], silence: { afterBegin: 10 } },
  /** SIGTERM: it drains and ends; started again when it is over. */
  drain: { of: "instance", weight: 1, seconds: [0, 4], silence: { afterBegin: 10 } },
  "drain-holder": { of: "holder", weight: 2, seconds: [0, 4], silence: { afterBegin: 10 } },
  /** SIGTERM to one after the other. */
  roll: { of: "all instances", weight: 1, seconds: [2, 4], isAlone: true, silence: { afterHealed: 10 } },
  /** SIGSTOP and SIGCONT. */
  freeze: { of: "instance", weight: 3, seconds: [1, 8], silence: { afterHealed: 10 } },
  /** As long as it takes to be declared dead: it wakes as a zombie. */
  "long-freeze": { of: "instance", weight: 2, seconds: [48, 70], minMinutes: 5, silence: { afterBegin: 60 } },
  "cut-viewer": { of: "viewer", weight: 3, seconds: [0, 6], silence: { afterHealed: 12 } },
  /** Its TCP connections neither carry nor end; new ones work. */
  "mute-viewer": { of: "viewer", weight: 1, seconds: [0, 0], minMinutes: 5, silence: { afterBegin: 60 } },
  "cut-agent": { of: "agent", weight: 3, seconds: [0, 5], silence: { afterHealed: 20 } },
  "mute-agent": { of: "agent", weight: 1, seconds: [0, 0], minMinutes: 5, silence: { afterBegin: 80 } },
  /**
   * Nothing goes through any more between an agent and everybody, either way, and nobody is told: no FIN, no RST, and who
   * dials waits. Shorter than an agent may be silent: nobody may call it offline.
   */
  "hush-agent": { of: "agent", weight: 1, seconds: [4, 30], isAlone: true, silence: { afterHealed: 10 } },
  /** Longer: everybody must see it offline. */
  "lose-agent-network": { of: "agent", weight: 1, seconds: [50, 65], minMinutes: 5, silence: { afterHealed: 45 } },
  /** The same on the way to the instance that holds it: it must find another. */
  "lose-agent-path": { of: "agent", weight: 1, seconds: [50, 65], minMinutes: 5, silence: { afterBegin: 80 } },
  /** A viewer goes like a process that is killed, and another comes. */
  "drop-viewer": { of: "passer-by", weight: 3, seconds: [0, 0], silence: { afterBegin: 0 } },
  /** It takes a few kilobytes a second: where that lasts, what it lacks is no longer kept and it is skipped forward. */
  "slow-viewer": { of: "passer-by", weight: 2, seconds: [10, 45], silence: { afterHealed: 10 } },
  /** The same token from another process, which must be refused. */
  "second-agent": { of: "agent", weight: 1, seconds: [4, 7], isAlone: true, silence: { afterBegin: 0 } },
  /** An agent without viewers is killed: everybody must see it offline. */
  "lose-agent": { of: "canary", weight: 1, seconds: [0, 1], silence: { afterBegin: 0 } },
  /** The same with an agent that is stopped, and says nothing. */
  "silence-agent": { of: "canary", weight: 1, seconds: [0, 1], minMinutes: 5, silence: { afterBegin: 0 } },
  /** Somebody sets the clock of an instance by an hour, and sets it right again. */
  "instance-clock": { of: "clock", weight: 1, seconds: [2, 20], isAlone: true, silence: { afterBegin: 0 } },
  "agent-clock": { of: "clock", weight: 1, seconds: [2, 10], isAlone: true, silence: { afterBegin: 0 } },
  /** Killed and started again, empty. */
  "redis-restart": { of: "redis", weight: 2, seconds: [0, 0], silence: { afterHealed: 35 } },
  "redis-flush": { of: "redis", weight: 2, seconds: [0, 0], silence: { afterHealed: 15 } },
  /** CLIENT PAUSE */
  "redis-pause": { of: "redis", weight: 1, seconds: [2, 10], silence: { afterHealed: 35 } },
  "redis-freeze": { of: "redis", weight: 1, seconds: [2, 12], silence: { afterHealed: 35 } },
  "redis-down": { of: "redis", weight: 1, seconds: [4, 15], silence: { afterHealed: 35 } },
  "postgres-restart": { of: "postgres", weight: 1, seconds: [0, 0], silence: { afterHealed: 35 } },
  "postgres-down": { of: "postgres", weight: 1, seconds: [3, 12], silence: { afterHealed: 35 } },
} as const satisfies Record<string, FaultKindRow>;

export type FaultKind = keyof typeof KINDS;

export const FAULTS: Readonly<Record<FaultKind, FaultKindRow>> = KINDS;
export const FAULT_KINDS = Object.keys(KINDS) as readonly FaultKind[];

export function isFaultKind(name: string): name is FaultKind {
  return Object.hasOwn(KINDS, name);
}
