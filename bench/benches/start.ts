// How long somebody waits for a server that starts on data it has, and for the prompt of a terminal. From the moment the
// program is started; beside it, a Node that has nothing to do.

import type { StartSubject } from "../subjects/starts.ts";
import type { Bench } from "./bench.ts";

export const start: Bench<StartSubject> = {
  name: "start",
  title: "from the program's start",
  metrics: [
    { key: "serverS", title: "server ready s", digits: 2 },
    { key: "attachMs", title: "attach to prompt ms", digits: 0 },
  ],
  async measure(subject) {
    const serverS = (await subject.startServer()) / 1000;
    const attachMs = await subject.attach();
    return { serverS, attachMs };
  },
};
