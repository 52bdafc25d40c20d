// `rexec recordings` and `rexec play`: their flags. What they run is loaded when it runs: it brings gRPC.

import { type Command, InvalidArgumentError, Option } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";
import { parseDuration } from "./duration.ts";

const ORDERS = ["started_at desc", "started_at"];
const DEFAULT_IDLE_LIMIT_MS = 2_000;
const MAX_SPEED = 1000;

export function addRecordingsCommand(program: Command, context: CommandContext): void {
  const recordings = program.command("recordings").description("what your sessions have printed, where it is kept");
  recordings
    .command("ls", { isDefault: true })
    .description("list recordings, those that go on included")
    .option("--filter <terms>", 'e.g. "agent:ID session:main state:ended"')
    .addOption(new Option("--order <field>", "by what").choices(ORDERS).default(ORDERS[0]))
    .action(async (_options, command: Command) => {
      const { printRecordings } = await import("./recordings.ts");
      await printRecordings(command.opts(), flagsOf(command), context);
    });
  recordings
    .command("get <id>")
    .description("show one, with why it ended and where it has gaps")
    .action(async (id: string, _options, command: Command) => {
      const { showRecording } = await import("./recordings.ts");
      await showRecording(id, flagsOf(command), context);
    });
  recordings
    .command("start <agent>")
    .description("record a session from now on; everybody attached is told")
    .option("--session <id>", 'which: "main", or "split-…" as `rexec sessions` lists it', "main")
    .action(async (agent: string, _options, command: Command) => {
      const { startRecording } = await import("./recordings.ts");
      await startRecording({ ...command.opts(), agent }, flagsOf(command), context);
    });
  recordings
    .command("stop <id>")
    .description("end a recording; what was printed until now is kept")
    .action(async (id: string, _options, command: Command) => {
      const { stopRecording } = await import("./recordings.ts");
      await stopRecording(id, flagsOf(command), context);
    });
  recordings
    .command("cat <id>")
    .description("write a recording to standard output, as an asciicast v2 file that other players play, too")
    .action(async (id: string, _options, command: Command) => {
      const { writeRecording } = await import("./recordings.ts");
      await writeRecording(id, flagsOf(command), context);
    });
  recordings
    .command("rm <id...>")
    .description("delete recordings for good")
    .action(async (ids: string[], _options, command: Command) => {
      const { deleteRecordings } = await import("./recordings.ts");
      await deleteRecordings(ids, flagsOf(command), context);
    });
}

export function addPlayCommand(program: Command, context: CommandContext): void {
  program
    .command("play <recording>")
    .description('play a recording in this terminal: its id, an asciicast v2 file, or "-" for standard input')
    .option("--speed <factor>", "how much faster, e.g. 2 or 0.5", parseSpeed, 1)
    .addOption(
      new Option("--idle-limit <duration>", "no pause is longer than this")
        .argParser(parseDuration)
        .default(DEFAULT_IDLE_LIMIT_MS, "2s"),
    )
    .option("--real-time", "with all its pauses")
    .addHelpText("after", "\nSpace pauses, right arrow goes on by 10 s, + and - change the speed, q leaves.")
    .action(async (recording: string, _options, command: Command) => {
      const { playRecording } = await import("./play.ts");
      await playRecording({ ...command.opts(), recording }, flagsOf(command), context);
    });
}

function parseSpeed(text: string): number {
  const factor = Number(text);
  if (!(factor > 0 && factor <= MAX_SPEED))
    throw new InvalidArgumentError(`more than 0 and at most ${MAX_SPEED} will do`);
  return factor;
}
