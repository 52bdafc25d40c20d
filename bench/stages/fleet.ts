// Thousands of agents on one server, which has its users and agents in a Postgres of its own.

import { startPostgres } from "../../test/support/postgres.ts";
import { adminTui } from "../benches/admin-tui.ts";
import { idleAgents } from "../benches/idle-agents.ts";
import { reconnectStorm } from "../benches/reconnect-storm.ts";
import { type FleetSubject, startFloorForFleet, startRexecForFleet } from "../subjects/fleet-server.ts";
import type { Stage } from "./stage.ts";

export const fleet: Stage<FleetSubject> = {
  benches: [idleAgents, reconnectStorm, adminTui],
  async start(subjects, { before, optionsOf, atEnd }) {
    const postgres = await startPostgres();
    atEnd(() => postgres.stop());
    const databaseUrl = await postgres.createDatabase();
    subjects.push(await startRexecForFleet(await optionsOf("rexec"), { databaseUrl }));
    if (before !== undefined) {
      const ownUrl = await postgres.createDatabase();
      subjects.push(await startRexecForFleet(await optionsOf("before"), { databaseUrl: ownUrl, before }));
    }
    subjects.push(await startFloorForFleet(await optionsOf("floor")));
  },
};
