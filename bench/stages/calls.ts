// One server and its Postgres; and that Postgres alone, with the same rows in it.

import { startPostgres } from "../../test/support/postgres.ts";
import { type CallSubject, calls as callsBench } from "../benches/calls.ts";
import { startRexecServer } from "../subjects/rexec-server.ts";
import type { Stage } from "./stage.ts";

export const calls: Stage<CallSubject> = {
  benches: [callsBench],
  async start(subjects, { before, optionsOf, atEnd }) {
    const postgres = await startPostgres();
    atEnd(() => postgres.stop());
    const startOne = async (name: "rexec" | "before", checkout?: string): Promise<string> => {
      const url = await postgres.createDatabase();
      const settings = { REXEC_DATABASE_URL: url };
      const server = await startRexecServer({ ...(await optionsOf(name)), settings, checkout });
      const { grpcAddress, token } = server;
      const target = { kind: "grpc", checkout: server.checkout, grpcAddress, token } as const;
      subjects.push({ name, target, stop: () => server.stop() });
      return url;
    };
    const url = await startOne("rexec");
    if (before !== undefined) await startOne("before", before);
    subjects.push({ name: "database", target: { kind: "database", url }, stop: () => Promise.resolve() });
  },
};
