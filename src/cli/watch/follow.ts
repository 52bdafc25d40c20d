// Follows one watch until the command is interrupted, and says when the connection is lost and back.

import { followWatch } from "../../watch/follow-watch.ts";
import type { Api } from "../api.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { type CommandContext, type GlobalFlags, targetOf, withApiOf } from "../command-context.ts";
import { requireToken } from "../target.ts";
import type { PacedOutput } from "./paced-output.ts";

export interface Followed<Response> {
  open(api: Api, resumeToken: string, signal: AbortSignal, onOpen: () => void): AsyncIterable<Response>;
  onResponse(response: Response, api: Api): void | Promise<void>;
  output: PacedOutput;
  /** Of the connection, a line. By default to standard error. */
  notice?: (text: string) => void;
}

/**
 * Throws where the server can't be reached at first, or refuses for good; from then on it reconnects for ever. Leaves the
 * exit code of what was interrupted, or 0 where the reader of its output has had enough.
 */
export async function follow<Response extends { resumeToken: string }>(
  followed: Followed<Response>,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const { output, notice = (text) => output.tell(text) } = followed;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, output.gone, stop.signal]);
  let isServed = false;
  let isLost = false;
  let refusal: CliError | undefined;
  const refuse = (error: CliError): void => {
    refusal = error;
    stop.abort();
  };
  const target = targetOf(flags, context);
  const { servers, grpcAddresses } = target;
  const silent = { message: `the server at ${grpcAddresses.join(", ")} has not answered in time` };
  const deadline = setTimeout(() => refuse(new CliError("TIMEOUT", silent)), flags.timeout);
  try {
    await withApiOf({ ...target, token: requireToken(target), keepsAlive: true }, flags, context, (api) =>
      followWatch<Response>(
        { now: Date.now, random: Math.random },
        (resumeToken, onOpen) => followed.open(api, resumeToken, signal, onOpen),
        {
          onOpen() {
            clearTimeout(deadline);
            isServed = true;
            if (isLost) notice(`rexec: connected to ${servers.join(", ")} again\n`);
            isLost = false;
          },
          onResponse: (response) => followed.onResponse(response, api),
          onLost(error, retryAtMs) {
            const failure = failureOf(error);
            if (!isServed || retryAtMs === undefined) return refuse(failure);
            if (!isLost) notice(`rexec: connection lost, trying again: ${failure.why ?? failure.message}\n`);
            isLost = true;
          },
        },
        signal,
      ),
    );
  } finally {
    clearTimeout(deadline);
  }
  if (refusal !== undefined) throw refusal;
  context.exitCode = output.gone.aborted ? EXIT.OK : EXIT.INTERRUPTED;
}

function failureOf(error: unknown): CliError {
  if (error instanceof CliError) return error;
  return new CliError("UNREACHABLE", { message: error instanceof Error ? error.message : String(error) });
}
