// What a bench's client is let loose on. Crosses from the bench's process to the client's, so it is plain data.

/** Where a terminal can be opened. */
export type TerminalTarget =
  | { kind: "rexec"; checkout: string; wsUrl: string; agentId: string; token: string }
  | { kind: "floor"; url: string }
  | { kind: "ssh"; configFile: string; host: string };

/** Where calls can be made: over gRPC, or, of what the server would say to its database, straight to that. */
export type CallTarget =
  | { kind: "grpc"; checkout: string; grpcAddress: string; token: string }
  | { kind: "database"; url: string };
