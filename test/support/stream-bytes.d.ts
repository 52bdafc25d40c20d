export const RECORD_BYTES: number;
export function streamBytes(offset: number, length: number, seed?: number): Buffer;
