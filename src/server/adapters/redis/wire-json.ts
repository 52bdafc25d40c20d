// What instances tell each other, as JSON in which a moment stays a moment.

/** Dates become {"$date": milliseconds}; nothing that is sent has a field of that name. */
export function encodeWire(value: unknown): Buffer {
  return Buffer.from(
    JSON.stringify(value, function (this: Record<string, unknown>, key, plain: unknown) {
      const original = this[key];
      return original instanceof Date ? { $date: original.getTime() } : plain;
    }),
  );
}

/** Throws SyntaxError. What comes is authenticated: it is what another instance of ours has encoded. */
export function decodeWire(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"), (_, value: unknown) => {
    if (typeof value !== "object" || value === null || !("$date" in value)) return value;
    return new Date(value.$date === null ? Number.NaN : Number(value.$date));
  }) as unknown;
}
