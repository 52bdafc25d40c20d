// The last output of a session, addressed by offset from its beginning: an agent keeps one of each shell, and a server
// one of each shell of a v1 agent, which has none.

const BLOCK_BYTES = 64 * 1024;

/** Keeps the last `capacityBytes` (up to one block less); older bytes are overwritten. */
export class OutputRing {
  readonly #capacityBytes: number;
  readonly #blocks: Uint8Array[] = [];
  #start = 0;
  #end = 0;

  constructor(capacityBytes: number) {
    this.#capacityBytes = Math.max(capacityBytes, 2 * BLOCK_BYTES);
  }

  /** Offset of the oldest byte that is held. */
  get start(): number {
    return this.#start;
  }

  /** Offset after the newest byte: the session's whole output so far. */
  get end(): number {
    return this.#end;
  }

  append(bytes: Uint8Array): void {
    let taken = 0;
    while (taken < bytes.length) {
      const at = this.#end % BLOCK_BYTES;
      if (at === 0) this.#addBlock();
      const count = Math.min(BLOCK_BYTES - at, bytes.length - taken);
      const block = this.#blocks[this.#blocks.length - 1] as Uint8Array;
      block.set(count === bytes.length ? bytes : bytes.subarray(taken, taken + count), at);
      this.#end += count;
      taken += count;
    }
  }

  /** Bytes from `from` to `to`, both held, without a copy: valid until the next append. */
  slices(from: number, to: number): Uint8Array[] {
    if (from < this.#start || to > this.#end)
      throw new RangeError(`${from}…${to} is not within ${this.#start}…${this.#end}`);
    const slices: Uint8Array[] = [];
    let offset = from;
    while (offset < to) {
      const at = offset % BLOCK_BYTES;
      const count = Math.min(BLOCK_BYTES - at, to - offset);
      slices.push((this.#blocks[(offset - at - this.#start) / BLOCK_BYTES] as Uint8Array).subarray(at, at + count));
      offset += count;
    }
    return slices;
  }

  /** Copies the bytes from `from` to `to`, both held, into `target` at `at`. */
  copy(target: Uint8Array, at: number, from: number, to: number): void {
    let position = at;
    for (const slice of this.slices(from, to)) {
      target.set(slice, position);
      position += slice.length;
    }
  }

  #addBlock(): void {
    if (this.#end - this.#start >= this.#capacityBytes) {
      const oldest = this.#blocks.shift() as Uint8Array;
      this.#start += BLOCK_BYTES;
      this.#blocks.push(oldest);
    } else {
      this.#blocks.push(new Uint8Array(BLOCK_BYTES));
    }
  }
}
