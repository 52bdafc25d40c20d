// The stream that the checker knows by heart: records of 16 bytes, {u64 counter, u32 ~counter, u32 mixed}, so that any
// piece of it can be told from any other, and a lost, doubled or moved byte shows.

export const RECORD_BYTES = 16;

/** The bytes of the stream from `offset` on, `length` of them. Streams of different seeds share no record. */
export function streamBytes(offset, length, seed = 0) {
  const first = Math.floor(offset / RECORD_BYTES);
  const last = Math.ceil((offset + length) / RECORD_BYTES);
  const bytes = Buffer.alloc((last - first) * RECORD_BYTES);
  for (let counter = first; counter < last; counter++) {
    const at = (counter - first) * RECORD_BYTES;
    bytes.writeBigUInt64BE(BigInt(counter), at);
    bytes.writeUInt32BE(~counter >>> 0, at + 8);
    bytes.writeUInt32BE(Math.imul(counter ^ seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0, at + 12);
  }
  return bytes.subarray(offset - first * RECORD_BYTES, offset - first * RECORD_BYTES + length);
}
