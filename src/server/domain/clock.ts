// Time, as the domain asks for it; tests move it by hand.

export interface Clock {
  /** Milliseconds since 1970: when something was. Somebody may set it at any moment, so no time is measured with it. */
  now(): number;
  /** Milliseconds that only grow, from anywhere on: how long something takes. */
  monotonicMs(): number;
}
