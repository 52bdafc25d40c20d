// What the output feed asks of a session's screen: drawn as it is at an offset.

export interface DrawnScreen {
  /** The screen is what all output before this offset makes of it. */
  offset: number;
  cols: number;
  rows: number;
  /** Draws the screen on any terminal of that size. */
  data: Buffer;
}

export interface Snapshots {
  /** The screen has taken in the output before this offset. */
  readonly parsed: number;
  /** Takes in the output before `offset` and calls back, unless the session is disposed of first. */
  prepare(offset: number, onPrepared: () => void): void;
  draw(scrollbackLines: number): DrawnScreen;
}
