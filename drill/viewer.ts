// One viewer of a shell that prints the stream: checks every byte, notes gaps and silences, and types where it may.

import { nodeSockets } from "../src/cli/node-socket.ts";
import { type ClientSocket, systemClock } from "../src/client/socket.ts";
import { openTerminal } from "../src/client/terminal-connection.ts";
import type { TerminalEvent } from "../src/client/terminal-events.ts";
import type { OpenTerminalOptions, TerminalConnection } from "../src/client/terminal-options.ts";
import type { ServerList } from "../src/protocol/server-list.ts";
import type { AgentId } from "../src/protocol/ids.ts";
import type { Network } from "./network.ts";
import type { OutputCheck } from "./output-check.ts";
import { SilenceLog } from "./silence-log.ts";

/** Of a viewer that is slow. */
const SLOW_BYTES_PER_MS = 8;
const SLOW_TICK_MS = 50;

interface Unconsumed {
  bytes: number;
  consumed: () => void;
}

export interface Gap {
  from: number;
  to: number;
  atMs: number;
  /** How long nothing had come before. */
  silentMs: number;
}

export interface ViewerOptions {
  name: string;
  agentId: AgentId;
  token: string;
  network: Network;
  /** In the order in which it tries them. */
  /** At least one. */
  urls: readonly string[];
  random: () => number;
  target: OpenTerminalOptions["target"];
  readOnly: boolean;
  check: OutputCheck;
  /** Of its shell's output, before the stream begins. */
  preamble?: number;
  onOutput?: () => void;
  onInputLost?: (lost: Extract<TerminalEvent, { type: "inputLost" }>) => void;
  /** It has ended, and nobody here has asked for that. */
  onEnd(why: string): void;
}

export class DrillViewer {
  readonly name: string;
  readonly check: OutputCheck;
  readonly network: Network;
  readonly gaps: Gap[] = [];
  readonly silences = new SilenceLog();
  readonly terminal: TerminalConnection;
  isOpen = false;
  /** It was skipped forward then, and may have been. */
  wasSlow = false;
  readonly #sockets = new Set<ClientSocket>();
  #isLeft = false;
  /** Output that is to come before the stream begins. */
  #skip: number;
  /** Not consumed yet; undefined while it is as fast as it can be. The connection's windows bound it. */
  #slow: Unconsumed[] | undefined;

  constructor(options: ViewerOptions) {
    const { name, agentId, token, network, urls, target, readOnly, random, check, preamble = 0 } = options;
    this.name = name;
    this.check = check;
    this.network = network;
    this.#skip = preamble;
    let nextIsSnapshot = false;
    this.terminal = openTerminal({
      sockets: this.#recorded(nodeSockets(token)),
      clock: systemClock,
      random,
      urls: urls as ServerList,
      agentId,
      target,
      readOnly,
      waitForAgent: true,
      size: { cols: 80, rows: 24 },
      scrollbackLines: 0,
      consumer: {
        output: (bytes, consumed) => {
          this.silences.heard();
          if (nextIsSnapshot) nextIsSnapshot = false;
          else {
            const skipped = Math.min(this.#skip, bytes.length);
            this.#skip -= skipped;
            check.take(bytes.subarray(skipped));
            options.onOutput?.();
          }
          if (this.#slow === undefined) consumed();
          else this.#slow.push({ bytes: bytes.length, consumed });
        },
        event: (event) => {
          switch (event.type) {
            case "opened":
              this.isOpen = true;
              return;
            case "lost":
              this.isOpen = false;
              return;
            case "reset":
              this.#skip = Math.max(0, preamble - event.offset);
              check.startAt(Math.max(0, event.offset - preamble));
              nextIsSnapshot = true;
              return;
            case "gap": {
              const { from, to } = event;
              this.gaps.push({ from, to, atMs: performance.now(), silentMs: this.silences.silentMs });
              return;
            }
            case "inputLost":
              options.onInputLost?.(event);
              return;
            default:
              return;
          }
        },
      },
    });
    void this.terminal.closed.then((outcome) => {
      this.isOpen = false;
      if (!this.#isLeft) options.onEnd(JSON.stringify(outcome));
    });
  }

  /** Takes a few kilobytes a second for so long, and then all that waits. */
  async slowDown(wait: () => Promise<void>): Promise<void> {
    this.wasSlow = true;
    const slow: Unconsumed[] = [];
    this.#slow = slow;
    let budget = 0;
    const timer = setInterval(() => {
      budget += SLOW_BYTES_PER_MS * SLOW_TICK_MS;
      for (let next = slow[0]; next && next.bytes <= budget; next = slow[0]) {
        slow.shift();
        budget -= next.bytes;
        next.consumed();
      }
      if (slow.length === 0) budget = 0;
    }, SLOW_TICK_MS);
    await wait();
    clearInterval(timer);
    this.#slow = undefined;
    for (const { consumed } of slow) consumed();
  }

  /** The shell has said that it is ready. */
  get isReady(): boolean {
    return this.#skip === 0;
  }

  /** Goodbye. */
  leave(): void {
    this.#isLeft = true;
    this.terminal.close();
  }

  /** As a process that is killed: its connections end, and nothing is said. */
  vanish(): void {
    this.#isLeft = true;
    for (const socket of this.#sockets) socket.terminate();
    this.terminal.close();
  }

  #recorded(factory: OpenTerminalOptions["sockets"]): OpenTerminalOptions["sockets"] {
    return {
      seesPings: factory.seesPings,
      connect: (request, events) => {
        const socket = factory.connect(request, {
          ...events,
          down: (cause) => {
            this.#sockets.delete(socket);
            events.down(cause);
          },
        });
        this.#sockets.add(socket);
        return socket;
      },
    };
  }
}
