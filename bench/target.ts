// Where a bench client opens a terminal. Crosses from the bench's process to the client's, so it is plain data.

export type Target =
  | { kind: "rexec"; checkout: string; wsUrl: string; agentId: string; token: string }
  | { kind: "floor"; url: string }
  | { kind: "ssh"; configFile: string; host: string };
