// ExecService.Exec as tests call it: requests at will, the outputs put together, the end as it comes.

import { type ClientDuplexStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  type ExecRequest,
  type ExecResponse,
  ExecServiceClient,
  ExecStart,
} from "../../src/gen/rexec/exec/v1/exec_service.ts";

type Request = NonNullable<ExecRequest["request"]>;
type Stream = ClientDuplexStream<ExecRequest, ExecResponse>;

export interface ExecCall {
  stream: Stream;
  /** Kinds of responses in the order in which they came, each once in a row. */
  kinds: string[];
  sessionId: string | undefined;
  text(output: "stdout" | "stderr"): string;
  bytes(output: "stdout" | "stderr"): Buffer;
  /** Resolves when it need not wait any longer. */
  say(request: Request): Promise<void>;
  stdin(bytes: Uint8Array | string): Promise<void>;
  endOfStdin(): Promise<void>;
  /** Resolves as soon as `matches` is true, asked with each response. */
  until(matches: () => boolean): Promise<void>;
  /** How it ended: the exit, or how the call failed. */
  end: Promise<{ exitCode: number; reason: string } | { failed: ServiceError }>;
}

const SILENCE_MS = 20_000;

export function startExec(
  grpcAddress: string,
  token: string,
  start: Partial<ExecStart> | undefined,
  { deadlineMs, isPaused = false }: { deadlineMs?: number; isPaused?: boolean } = {},
): ExecCall {
  const client = new ExecServiceClient(grpcAddress, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  const stream = client.exec(metadata, deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs });
  const printed: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
  const ended = Promise.withResolvers<Awaited<ExecCall["end"]>>();
  let exited: { exitCode: number; reason: string } | undefined;
  let look = (): void => {};
  const call: ExecCall = {
    stream,
    kinds: [],
    sessionId: undefined,
    bytes: (output) => Buffer.concat(printed[output]),
    text: (output) => Buffer.concat(printed[output]).toString("utf8"),
    say: (request) =>
      new Promise((resolve) => {
        if (stream.write({ request })) resolve();
        else stream.once("drain", resolve);
      }),
    stdin: (bytes) => call.say({ $case: "stdin", value: Buffer.from(bytes) }),
    endOfStdin: () => call.say({ $case: "endOfStdin", value: {} }),
    async until(matches) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(() => reject(new Error(`not in time; heard: ${call.kinds.join(", ")}`)), SILENCE_MS);
      look = () => {
        if (matches()) resolve();
      };
      look();
      void call.end.then((end) => reject(new Error(`ended before that: ${JSON.stringify(end)}`)));
      await promise.finally(() => clearTimeout(timer));
    },
    end: ended.promise,
  };
  stream.on("data", ({ response }: ExecResponse) => {
    if (call.kinds.at(-1) !== response?.$case) call.kinds.push(response?.$case ?? "nothing");
    if (response?.$case === "started") call.sessionId = response.value.sessionId;
    else if (response?.$case === "exited") exited = response.value;
    else if (response !== undefined) printed[response.$case].push(Buffer.from(response.value));
    look();
  });
  if (isPaused) stream.pause();
  stream.on("error", (failed: ServiceError) => ended.resolve({ failed }));
  stream.on("end", () => exited && ended.resolve(exited));
  stream.on("status", () => client.close());
  if (start !== undefined) void call.say({ $case: "start", value: ExecStart.fromPartial(start) });
  return call;
}
