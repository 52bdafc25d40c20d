// What several viewers type into one shell, so that what each of them typed can be told apart in what arrived: a byte is
// the typist's number and five bits of a sequence that only its position decides.

const SYMBOL_BITS = 5;
const SYMBOLS = 2 ** SYMBOL_BITS;
/** Symbols that are compared to find out where others belong: two places alike are not to be met with. */
const PROBE = 24;
/** As far as a place is looked for. */
const REACH = 256 * 1024;

export interface TypedStream {
  typist: number;
  seed: number;
}

export function typedBytes({ typist, seed }: TypedStream, from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = typist * SYMBOLS + symbolAt(seed, from + index);
  return bytes;
}

function symbolAt(seed: number, position: number): number {
  let mixed = Math.imul(position + 1, 0x9e3779b1) ^ seed;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> (32 - SYMBOL_BITS);
}

/** Of what all typed, this typist's bytes, in order. */
export function typedBy(typist: number, all: Uint8Array): Uint8Array {
  return all.filter((byte) => byte >>> SYMBOL_BITS === typist);
}

/** What was told to be lost: of its beginning anything up to `unknownTo` may have arrived, of the rest nothing. */
export interface ToldLoss {
  from: number;
  to: number;
}

export interface TypedFigures {
  typed: number;
  arrived: number;
  lost: number;
  doubled: number;
  foreign: number;
  toldLost: number;
  firstProblem: string | undefined;
}

/** Compares what arrived of one typist with all that it typed. */
export function checkTyped(
  stream: TypedStream,
  { typed, arrived, told }: { typed: number; arrived: Uint8Array; told: readonly ToldLoss[] },
): TypedFigures {
  const due = typedBytes(stream, 0, typed);
  const toldLost = told.reduce((sum, { from, to }) => sum + to - from, 0);
  const figures: TypedFigures = {
    typed,
    arrived: arrived.length,
    lost: 0,
    doubled: 0,
    foreign: 0,
    toldLost,
    firstProblem: undefined,
  };
  const note = (what: string): void => void (figures.firstProblem ??= what);
  const skipped = [...told];
  let at = 0;
  let from = 0;
  while (from < arrived.length) {
    if (at < typed && arrived[from] === due[at]) {
      at += 1;
      from += 1;
      continue;
    }
    const loss = skipped.findIndex((each) => at >= each.from && at <= each.to + PROBE);
    if (loss >= 0) {
      // A few may have looked right by chance: what follows the loss is looked for from there.
      const { to } = skipped.splice(loss, 1)[0] as ToldLoss;
      const back = backToLoss(due, arrived, { at: to, from, most: Math.min(PROBE, at) });
      if (back !== undefined) {
        from -= back;
        at = to;
        continue;
      }
    }
    const found = place(due, arrived, { at, from });
    if (found === undefined) {
      note(`foreign byte at ${at}`);
      figures.foreign += 1;
      from += 1;
    } else if (found > at) {
      note(`lost ${found - at} bytes at ${at}`);
      figures.lost += found - at;
      at = found;
    } else {
      note(`doubled or reordered bytes at ${at}: those of ${found}`);
      figures.doubled += at - found;
      at = found;
    }
  }
  const isToldAtEnd = skipped.some((each) => at >= each.from && each.to === typed);
  if (at < typed && !isToldAtEnd) {
    note(`lost ${typed - at} bytes at the end, from ${at}`);
    figures.lost += typed - at;
  }
  return figures;
}

function backToLoss(
  due: Uint8Array,
  arrived: Uint8Array,
  { at, from, most }: { at: number; from: number; most: number },
): number | undefined {
  for (let back = 0; back <= most; back++) {
    const length = Math.min(PROBE, arrived.length - from + back, due.length - at);
    if (length > 0 && isSame(due, arrived, { at, from: from - back, length })) return back;
  }
  return undefined;
}

/** Where in what was typed the next that arrived belongs, the nearest first. */
function place(due: Uint8Array, arrived: Uint8Array, { at, from }: { at: number; from: number }): number | undefined {
  const length = Math.min(PROBE, arrived.length - from);
  for (let step = 1; step <= REACH; step++) {
    for (const candidate of [at + step, at - step]) {
      if (candidate < 0 || candidate + length > due.length) continue;
      if (isSame(due, arrived, { at: candidate, from, length })) return candidate;
    }
  }
  return undefined;
}

function isSame(
  due: Uint8Array,
  arrived: Uint8Array,
  { at, from, length }: { at: number; from: number; length: number },
): boolean {
  for (let index = 0; index < length; index++) if (due[at + index] !== arrived[from + index]) return false;
  return true;
}
