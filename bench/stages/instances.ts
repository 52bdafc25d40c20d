// Two instances on one Postgres and one Redis: the agent on the first, the viewer there or on the second.

import { startPostgres } from "../../test/support/postgres.ts";
import { startRedis } from "../../test/support/redis.ts";
import { bulkInstances } from "../benches/bulk.ts";
import { echoInstances } from "../benches/echo.ts";
import { slowReaderInstances } from "../benches/slow-reader.ts";
import { startRexecAgent } from "../subjects/rexec-agent.ts";
import { type RexecServer, startRexecServer } from "../subjects/rexec-server.ts";
import type { TerminalSubject } from "../subjects/subject.ts";
import type { Stage, StageOptions } from "./stage.ts";

/** What a pair has to itself: another pair's events are none of its business. */
interface Shared {
  REXEC_DATABASE_URL: string;
  REXEC_REDIS_URL: string;
}

export const instances: Stage<TerminalSubject> = {
  benches: [echoInstances, bulkInstances, slowReaderInstances],
  async start(subjects, options) {
    const postgres = await startPostgres();
    options.atEnd(() => postgres.stop());
    async function share(): Promise<Shared> {
      const redis = await startRedis();
      options.atEnd(async () => redis.stop());
      return { REXEC_DATABASE_URL: await postgres.createDatabase(), REXEC_REDIS_URL: redis.url };
    }
    const direct = await startPair("direct", await share(), options);
    subjects.push(direct.subject("rexec", direct.first), direct.subject("second", direct.second));
    const overRedis = await startPair("redis", await share(), options);
    subjects.push(overRedis.subject("redis", overRedis.second));
  },
};

async function startPair(
  path: "direct" | "redis",
  shared: Shared,
  { optionsOf, atEnd, nodeFlags, shell }: StageOptions,
) {
  const startInstance = async (name: string): Promise<RexecServer> => {
    const settings = {
      ...shared,
      REXEC_INSTANCE_ID: name,
      ...(path === "direct" ? { REXEC_PEER_PORT: "0" } : {}),
    };
    const server = await startRexecServer({ ...(await optionsOf(name)), settings });
    atEnd(() => server.stop());
    return server;
  };
  const first = await startInstance(`${path}-1`);
  const second = await startInstance(`${path}-2`);
  const agent = await startRexecAgent(first, { shell, nodeFlags });
  atEnd(() => agent.process.stop());
  return {
    first,
    second,
    subject: (name: TerminalSubject["name"], viewersOn: RexecServer): TerminalSubject => ({
      name,
      target: {
        kind: "rexec",
        checkout: first.checkout,
        wsUrl: viewersOn.wsUrl,
        agentId: agent.id,
        token: viewersOn.token,
      },
      relayPid: first.pid,
      otherRelayPids: viewersOn === first ? [] : [second.pid],
      agentPid: agent.process.pid,
      stop: () => Promise.resolve(),
    }),
  };
}
