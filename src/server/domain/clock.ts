// Time, as the domain asks for it; tests move it by hand.

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}
