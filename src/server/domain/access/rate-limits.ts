// How often something may happen in this process before it is left out or refused.

export interface RateLimits {
  /** Takes one of the key's share; false where nothing is left of it for now. */
  tryTake(key: string): boolean;
  /** Milliseconds until something of the key's share is there; 0: now. Takes nothing. */
  waitMs(key: string): number;
}
