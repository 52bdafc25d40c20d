// How often something may happen before it is refused, or left out.

/** Of what may be refused. Where instances share them, they share these too. Never rejects: somebody always decides. */
export interface RateLimits {
  /** Takes one of the key's share; false where nothing is left of it for now, and nothing was taken. */
  tryTake(key: string): Promise<boolean>;
  /** Milliseconds until something of the key's share is there; 0: now. Takes nothing. */
  waitMs(key: string): Promise<number>;
}

/** Of what is written down, by this process: beyond it is left out, and nobody waits for the answer. */
export interface RecordLimits {
  tryTake(key: string): boolean;
}
