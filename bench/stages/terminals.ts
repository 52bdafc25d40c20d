// One terminal at a time, or a few: rexec, a bare WebSocket relay and OpenSSH, each with one machine behind it.

import { bulk } from "../benches/bulk.ts";
import { copy } from "../benches/copy.ts";
import { echo, echoFlood } from "../benches/echo.ts";
import { fanOut } from "../benches/fan-out.ts";
import { slowReader } from "../benches/slow-reader.ts";
import { startFloor } from "../subjects/floor.ts";
import { startRexec } from "../subjects/rexec.ts";
import { startSsh } from "../subjects/ssh.ts";
import type { TerminalSubject } from "../subjects/subject.ts";
import type { Stage } from "./stage.ts";

export const terminals: Stage<TerminalSubject> = {
  benches: [echo, echoFlood, bulk, slowReader, fanOut, copy],
  async start(subjects, { before, optionsOf }) {
    subjects.push(await startRexec(await optionsOf("rexec")));
    if (before !== undefined) subjects.push(await startRexec(await optionsOf("before"), before));
    subjects.push(await startFloor(await optionsOf("floor")));
    try {
      subjects.push(...(await startSsh(await optionsOf("ssh"))));
    } catch (error) {
      console.log(`without ssh and ssh-jump: ${error instanceof Error ? error.message : String(error)}`);
    }
  },
};
