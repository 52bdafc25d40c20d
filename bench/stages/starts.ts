// Starting, as often as there are rounds.

import { start } from "../benches/start.ts";
import { startNodeStarts, startRexecStarts, type StartSubject } from "../subjects/starts.ts";
import type { Stage } from "./stage.ts";

export const starts: Stage<StartSubject> = {
  benches: [start],
  async start(subjects, { before, optionsOf }) {
    subjects.push(await startRexecStarts(await optionsOf("rexec")));
    if (before !== undefined) subjects.push(await startRexecStarts(await optionsOf("before"), before));
    subjects.push(startNodeStarts());
  },
};
