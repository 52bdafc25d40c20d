// Ctrl+] in what was typed: what comes before it is sent, what comes after it is not.

const CTRL_RIGHT_BRACKET = 0x1d;
/** The same key as terminals send it in the kitty keyboard protocol (code;modifiers), with or without an event type. */
const KITTY = /\x1b\[93;5(?::1)?u/;

export function splitAtDetach(bytes: Uint8Array): { before: Uint8Array; isDetach: boolean } {
  const at = bytes.indexOf(CTRL_RIGHT_BRACKET);
  if (at !== -1) return { before: bytes.subarray(0, at), isDetach: true };
  if (!bytes.includes(0x1b)) return { before: bytes, isDetach: false };
  const index = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1").search(KITTY);
  return index === -1 ? { before: bytes, isDetach: false } : { before: bytes.subarray(0, index), isDetach: true };
}
