// What of a terminal's output waits for its rest: a character of which some bytes are there, an escape sequence that has
// not ended. A screen that is drawn in between leaves it out, and what comes next would be shown as text.

import type { OutputRing } from "../protocol/output-ring.ts";

const ESC = 0x1b;
/** ESC, and the one-byte forms of DCS, SOS, CSI, OSC, PM and APC in UTF-8. */
const INTRODUCERS = [[ESC], ...[0x90, 0x98, 0x9b, 0x9d, 0x9e, 0x9f].map((c1) => [0xc2, c1])].map((it) =>
  Buffer.from(it),
);
/** Of a longer one (a picture, a clipboard) only the introducer is kept: its rest is swallowed and does nothing. */
export const MAX_SEQUENCE_BYTES = 4096;
const INTRODUCER_BYTES = 2;

/**
 * The escape sequence that is open at `end`: its bytes so far, at most MAX_SEQUENCE_BYTES. Control characters within it
 * have been carried out and are left out. Empty where its beginning is no longer in the ring.
 */
export function unfinishedSequence(ring: OutputRing, end: number): Buffer {
  const near = fromLastIntroducer(ring, Math.max(ring.start, end - MAX_SEQUENCE_BYTES), end);
  const sequence = near ?? fromLastIntroducer(ring, ring.start, end)?.subarray(0, INTRODUCER_BYTES);
  return Buffer.from((sequence ?? []).filter((byte) => byte === ESC || byte >= 0x20));
}

function fromLastIntroducer(ring: OutputRing, from: number, to: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(to - from);
  ring.copy(bytes, 0, from, to);
  const at = Math.max(...INTRODUCERS.map((introducer) => bytes.lastIndexOf(introducer)));
  return at < 0 ? undefined : bytes.subarray(at);
}
