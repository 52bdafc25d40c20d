// The data frames of rexec.v2: a fixed header and raw bytes. A relay reads the header and forwards the
// very buffer it received.
//
//   0      1      2             4             8             12                        20
//   +------+------+-------------+-------------+-------------+-------------------------+-----------
//   | type | 0    | 0           | stream      | attachment  | offset                  | bytes …
//   | u8   | u8   | u16         | u32         | u32         | u64                     |
//   +------+------+-------------+-------------+-------------+-------------------------+-----------
//
// All numbers big-endian. The reserved fields are sent as 0 and ignored when read.

export const HEADER_BYTES = 20;

export const FRAME = {
  /** Agent → viewers. `attachment` 0: for everybody who is at this offset; else for that one alone. */
  OUTPUT: 0x01,
  /** Viewer → agent. `offset` counts the attachment's input from its beginning. */
  INPUT: 0x02,
  /** Viewer → agent: everything before `offset` has been consumed. No bytes. */
  OUTPUT_ACK: 0x03,
  /** Agent → viewer: the PTY has taken everything before `offset`. No bytes. */
  INPUT_ACK: 0x04,
  /** A Control message of proto/rexec/stream/v1 follows the type byte; it has no header. */
  CONTROL: 0x10,
} as const;

export type DataFrameType = typeof FRAME.OUTPUT | typeof FRAME.INPUT | typeof FRAME.OUTPUT_ACK | typeof FRAME.INPUT_ACK;

export interface DataHeader {
  type: DataFrameType;
  /** Names the shell, as its agent chose; u32. */
  stream: number;
  /** Names the viewer's attachment, as the agent chose; u32; 0 is nobody in particular. */
  attachment: number;
  /** Bytes from the beginning of the stream; at most 2^53 − 1. */
  offset: number;
}

/** What a frame may not be: the peer's connection is closed with 1007. */
export class FrameError extends Error {
  override name = "FrameError";
}

const TWO_32 = 0x1_0000_0000;
const MAX_OFFSET_HIGH = 0x1f_ffff;

/** Writes the header into the first 20 bytes of `target`. */
export function writeHeader(target: Uint8Array, header: DataHeader): void {
  const view = new DataView(target.buffer, target.byteOffset, HEADER_BYTES);
  view.setUint8(0, header.type);
  view.setUint8(1, 0);
  view.setUint16(2, 0);
  view.setUint32(4, header.stream);
  view.setUint32(8, header.attachment);
  view.setUint32(12, Math.floor(header.offset / TWO_32));
  view.setUint32(16, header.offset >>> 0);
}

/** A frame of its own, with a copy of `bytes`. */
export function encodeDataFrame(header: DataHeader, bytes: Uint8Array = NO_BYTES): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEADER_BYTES + bytes.length);
  writeHeader(frame, header);
  frame.set(bytes, HEADER_BYTES);
  return frame;
}

const NO_BYTES = new Uint8Array(0);

/** Reads the header of a data frame. Throws FrameError for a short frame, a type that is none, or an offset over 2^53 − 1. */
export function readHeader(frame: Uint8Array): DataHeader {
  const type = frame[0];
  if (type !== FRAME.OUTPUT && type !== FRAME.INPUT && type !== FRAME.OUTPUT_ACK && type !== FRAME.INPUT_ACK) {
    throw new FrameError(`no data frame: type ${type ?? "missing"}`);
  }
  if (frame.length < HEADER_BYTES) throw new FrameError(`short frame: ${frame.length} of ${HEADER_BYTES} header bytes`);
  const view = new DataView(frame.buffer, frame.byteOffset, HEADER_BYTES);
  const high = view.getUint32(12);
  if (high > MAX_OFFSET_HIGH) throw new FrameError("offset over 2^53 - 1");
  const isAck = type === FRAME.OUTPUT_ACK || type === FRAME.INPUT_ACK;
  if (isAck && frame.length !== HEADER_BYTES) throw new FrameError("acknowledgement with bytes");
  if (!isAck && frame.length === HEADER_BYTES) throw new FrameError("data frame without bytes");
  return { type, stream: view.getUint32(4), attachment: view.getUint32(8), offset: high * TWO_32 + view.getUint32(16) };
}

/** The bytes after the header; a view, not a copy. */
export function frameBytes(frame: Uint8Array): Uint8Array {
  return frame.subarray(HEADER_BYTES);
}
