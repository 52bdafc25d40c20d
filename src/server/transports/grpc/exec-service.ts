// ExecService: decodes, calls the domain, encodes. What it reads is paced by the program, what it writes by the caller.

import type {
  ExecRequest,
  ExecResponse,
  ExecServiceService,
  ExecStart,
} from "../../../gen/rexec/exec/v1/exec_service.ts";
import { DomainError, invalidField } from "../../domain/domain-error.ts";
import { exec, type ExecDeps, type RunningProgram } from "../../domain/terminals/exec.ts";
import type { Handlers, Requests, Send } from "./call-context.ts";
import { durationMs } from "./duration-ms.ts";

/** No system has a longer one. */
const SIGNAL = /^SIG[A-Z0-9+-]{1,12}$/;

export function execService(deps: ExecDeps): Handlers<typeof ExecServiceService> {
  return {
    async exec({ caller, requests, signal }, send) {
      const { agentId, ...start } = startOf(await requests.next());
      const program = { ...start, timeLimitMs: timeLimitMsOf(start), files: false };
      const responses = inOrder(send);
      const running = await exec(
        deps,
        { caller, agentId, program, signal },
        {
          started: (sessionId) => responses.add({ $case: "started", value: { sessionId } }),
          output: (output, bytes, consumed) =>
            responses.add(
              { $case: output, value: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) },
              consumed,
            ),
        },
      );
      const leave = (): void => running.end(new DomainError("INTERNAL", {}, { cause: signal.reason }));
      signal.addEventListener("abort", leave);
      const refused = Promise.withResolvers<never>();
      feed(running, requests).catch(refused.reject);
      try {
        const exited = await Promise.race([running.ended, refused.promise]);
        responses.add({ $case: "exited", value: exited });
        await responses.sent();
      } finally {
        signal.removeEventListener("abort", leave);
        leave();
      }
    },
  };
}

function startOf(message: ExecRequest | undefined): ExecStart {
  if (message?.request?.$case !== "start") throw invalidField("start", "must be the first request");
  return message.request.value;
}

function timeLimitMsOf({ timeLimit }: Pick<ExecStart, "timeLimit">): number {
  if (timeLimit === undefined) return 0;
  const ms = Math.ceil(durationMs(timeLimit));
  if (!(ms > 0 && ms <= Number.MAX_SAFE_INTEGER)) throw invalidField("start.time_limit", "must be more than nothing");
  return ms;
}

/** Rejects with INVALID_ARGUMENT for what can't be meant, and when the call is over. */
async function feed(running: RunningProgram, requests: Requests<ExecRequest>): Promise<void> {
  let isInputOpen = true;
  for (;;) {
    const message = await requests.next();
    if (message === undefined) return isInputOpen ? running.endInput() : undefined;
    const { request } = message;
    switch (request?.$case) {
      case "stdin":
        if (!isInputOpen) throw invalidField("stdin", "must not come behind end_of_stdin");
        await running.write(request.value);
        break;
      case "endOfStdin":
        if (isInputOpen) await running.endInput();
        isInputOpen = false;
        break;
      case "signal":
        if (!SIGNAL.test(request.value)) throw invalidField("signal", 'must be a name like "SIGINT"');
        await running.signal(request.value);
        break;
      case "start":
        throw invalidField("start", "must come once");
      case undefined:
        throw invalidField("request", "must be one of those that there are");
      default:
        request satisfies never;
    }
  }
}

/** One response is under way, the others wait: no more than the window of what the program has printed. */
function inOrder(send: Send<ExecResponse>) {
  let last: Promise<void> = Promise.resolve();
  return {
    add(response: NonNullable<ExecResponse["response"]>, onSent?: () => void): void {
      last = last.then(() => send({ response })).then(onSent);
      // The call is over: who asks whether all was sent hears of it.
      last.catch(() => {});
    },
    sent: () => last,
  };
}
