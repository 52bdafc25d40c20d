// What keeps the messages between instances from being read, changed or made by anybody else who reaches the wire that
// they take.

/** One direction between two that share a secret; a name is used for one life of one sender. */
export interface MessageSeals {
  sealer(name: string): MessageSealer;
  opener(name: string): MessageOpener;
}

export interface MessageSealer {
  /**
   * Seals `parts` as one message; adds SEAL_BYTES. `counter`: another one for every message under one name, for ever;
   * below 2^53. `before`: what goes ahead of it unsealed, so that nobody has to copy it there.
   */
  seal(counter: number, parts: readonly Uint8Array[], before?: Uint8Array): Buffer;
}

export interface MessageOpener {
  /** Undefined where it was not sealed under this name with this counter, or was changed since. */
  open(counter: number, sealed: Uint8Array): Uint8Array | undefined;
}

export const SEAL_BYTES = 16;
