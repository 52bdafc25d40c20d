// Where a piece of UTF-8 is cut within a character.

/** How many bytes at the end begin a UTF-8 character that ends later, 0 to 3. */
export function unfinishedCharacter(bytes: Uint8Array): number {
  for (let count = 1; count <= 3 && count <= bytes.length; count++) {
    const byte = bytes[bytes.length - count] as number;
    if ((byte & 0xc0) === 0x80) continue;
    return byte >= 0xc2 && byte < 0xf5 && count < lengthOf(byte) ? count : 0;
  }
  return 0;
}

function lengthOf(lead: number): number {
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}
