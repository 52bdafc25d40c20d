// Lets sockets end a few in each turn of the event loop. Where ten thousand lose their network at once, closing them and
// all that follows from it would take a second or two, in which nobody's keys are echoed.
//
//   the peer's end ──▶ end() ────────┐
//   reset, terminate() ─▶ destroy() ─┴─▶ [ waits for its turn ] ──▶ the handle closes ──▶ "close"

import type { Duplex } from "node:stream";

type End = (this: Duplex, ...last: unknown[]) => Duplex;
type Destroy = Duplex["_destroy"];

/** A tenth of a millisecond each, with what our own listeners of "close" do. */
const ENDS_PER_TURN = 32;

export class SocketEnds {
  /** In the order in which they came; bounded by the sockets that are open, two for each. */
  #waiting: (() => void)[] = [];
  #endedInTurn = 0;
  #isNextTurnAsked = false;
  /** In place of the socket's own; one for all sockets. */
  readonly #endInTurn: End;
  readonly #destroyInTurn: Destroy;

  constructor() {
    const inTurn = (end: () => void): void => this.#inTurn(end);
    this.#endInTurn = function (...last) {
      // With last words it is not the peer that has ended.
      if (last.length > 0) return prototypeOf(this).end.apply(this, last);
      inTurn(() => endNow(this));
      return this;
    };
    this.#destroyInTurn = function (this: Duplex, error, done) {
      const destroy = (): void => prototypeOf(this)._destroy.call(this, error, done);
      if (haveTurn.delete(this)) destroy();
      else inTurn(destroy);
    };
  }

  /** From now on this socket ends in its turn: at once where few do. */
  watch(socket: Duplex): void {
    socket.end = this.#endInTurn as Duplex["end"];
    socket._destroy = this.#destroyInTurn;
  }

  #inTurn(end: () => void): void {
    if (this.#endedInTurn < ENDS_PER_TURN) {
      this.#endedInTurn += 1;
      end();
    } else this.#waiting.push(end);
    this.#askForTurn();
  }

  #askForTurn(): void {
    if (this.#isNextTurnAsked) return;
    this.#isNextTurnAsked = true;
    setImmediate(() => {
      this.#isNextTurnAsked = false;
      const due = this.#waiting.splice(0, ENDS_PER_TURN);
      this.#endedInTurn = due.length;
      for (const end of due) end();
      if (due.length > 0) this.#askForTurn();
    });
  }
}

/** Those whose end() is being called in its turn: their destruction waits for no other. */
const haveTurn = new WeakSet<Duplex>();

/** Where the peer has ended and nothing is left to write, the socket needs no shutdown before it closes. */
function endNow(socket: Duplex): void {
  if (!socket.readableEnded || socket.writableLength > 0) {
    prototypeOf(socket).end.call(socket);
    return;
  }
  haveTurn.add(socket);
  socket.destroy();
}

/** What the socket does of its own. */
function prototypeOf(socket: Duplex): { end: End; _destroy: Destroy } {
  return Object.getPrototypeOf(socket) as { end: End; _destroy: Destroy };
}
