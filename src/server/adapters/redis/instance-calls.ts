// Questions to other instances and their answers, over the courier.
//
//   question: 1 u8 | id u32 | JSON          answer: 2 u8 | id u32 | JSON: {"answer": …} or {"failed": true}

import type { InstanceId, RunId } from "../../../protocol/ids.ts";
import { DomainError } from "../../domain/domain-error.ts";
import type { AnswerCall, AnswerTo, InstanceCalls, InstanceQuestion } from "../../domain/instances/instance-calls.ts";
import type { Log } from "../../domain/log.ts";
import type { Courier } from "./courier.ts";
import { decodeWire, encodeWire } from "./wire-json.ts";

export interface InstanceDirectory {
  /** The present run of an instance; undefined where none is known to live. */
  find(instanceId: InstanceId): Promise<{ run: RunId } | undefined>;
  findRun(run: RunId): Promise<{ id: InstanceId } | undefined>;
  /** The other instances that live. */
  others(): readonly InstanceId[];
}

export interface RedisCallsDeps {
  courier: Pick<Courier, "send">;
  directory: Pick<InstanceDirectory, "find" | "others">;
  answer: AnswerCall;
  log: Log;
}

const CALL_KIND = { QUESTION: 1, ANSWER: 2 } as const;
const HEADER_BYTES = 5;
/** Questions of this instance that wait; more are refused. */
const MAX_WAITING = 10_000;

interface Waiting {
  to: RunId;
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
}

export class RedisCalls implements InstanceCalls {
  readonly #deps: RedisCallsDeps;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(deps: RedisCallsDeps) {
    this.#deps = deps;
  }

  others(): readonly InstanceId[] {
    return this.#deps.directory.others();
  }

  async ask<Question extends InstanceQuestion>(
    to: InstanceId,
    question: Question,
    timeoutMs: number,
  ): Promise<AnswerTo<Question>> {
    const receiver = await this.#deps.directory.find(to);
    if (receiver === undefined || this.#waiting.size >= MAX_WAITING) throw new DomainError("BACKEND_UNAVAILABLE");
    const id = (this.#lastId = (this.#lastId + 1) >>> 0);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { to: receiver.run, resolve, reject });
    const timer = setTimeout(() => reject(new DomainError("BACKEND_UNAVAILABLE")), timeoutMs);
    try {
      this.#deps.courier.send(receiver.run, frame(CALL_KIND.QUESTION, id, question));
      return (await promise) as AnswerTo<Question>;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** A message of one of the two kinds. */
  onMessage(from: RunId, payload: Uint8Array): void {
    if (payload.length < HEADER_BYTES) return;
    const id = new DataView(payload.buffer, payload.byteOffset).getUint32(1);
    // An instance of another version may say anything: what is no object is one without fields.
    const body: unknown = Object(decodeWire(payload.subarray(HEADER_BYTES)));
    if (payload[0] === CALL_KIND.QUESTION) void this.#answer(from, id, body as InstanceQuestion);
    else this.#onAnswer(from, id, body as { answer?: unknown; failed?: true });
  }

  async #answer(from: RunId, id: number, question: InstanceQuestion): Promise<void> {
    let body: object;
    try {
      body = { answer: await this.#deps.answer(question) };
    } catch (err) {
      this.#deps.log.error({ err, ask: question.ask }, "another instance's question not answered");
      body = { failed: true };
    }
    this.#deps.courier.send(from, frame(CALL_KIND.ANSWER, id, body));
  }

  #onAnswer(from: RunId, id: number, { answer, failed }: { answer?: unknown; failed?: true }): void {
    const waiting = this.#waiting.get(id);
    // Nobody waits any more, or another answers in its place.
    if (waiting?.to !== from) return;
    if (failed) waiting.reject(new DomainError("BACKEND_UNAVAILABLE"));
    else waiting.resolve(answer);
  }
}

function frame(kind: number, id: number, body: object): readonly Uint8Array[] {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = kind;
  header.writeUInt32BE(id, 1);
  return [header, encodeWire(body)];
}
