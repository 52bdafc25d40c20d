// `rexec completion`: scripts for shells, and what these ask while a word is completed.

import { Argument, type Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { completionModel, NAME_KINDS, type NameKind } from "./completion-model.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

export function addCompletionCommand(program: Command, context: CommandContext): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "for which shell").choices(SHELLS))
    .description("print a script that makes the Tab key complete commands, flags, agents, sessions and contexts")
    .addHelpText("after", "\nFor this window alone: source <(rexec completion bash), or rexec completion fish | source")
    .action(async (shell: (typeof SHELLS)[number]) => context.print(await scriptFor(shell, program)));
  program
    .command("__complete", { hidden: true })
    .description("names for the scripts of `rexec completion`")
    .addArgument(new Argument("<kind>").choices(NAME_KINDS))
    .argument("<agent>")
    .argument("<typed>")
    .argument("[words...]")
    .action(async (kind: NameKind, agent: string, typed: string, words: string[], _options, command: Command) => {
      const { completeNames } = await import("./complete-names.ts");
      await completeNames({ kind, agent, typed, words }, command, context);
    });
}

async function scriptFor(shell: (typeof SHELLS)[number], program: Command): Promise<string> {
  const model = completionModel(program);
  switch (shell) {
    case "bash":
      return (await import("./bash-script.ts")).bashScript(model);
    case "zsh":
      return (await import("./zsh-script.ts")).zshScript(model);
    case "fish":
      return (await import("./fish-script.ts")).fishScript(model);
    default:
      return shell satisfies never;
  }
}
