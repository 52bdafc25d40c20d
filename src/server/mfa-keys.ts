// The keys that seal the secrets of users' second factors, as they are configured: "id:64 hex digits", the first of
// them for new secrets.

export interface MfaKey {
  id: string;
  /** 32 bytes. */
  key: Uint8Array;
}

const ENTRY = /^([\w.-]{1,32}):([0-9a-f]{64})$/i;
/** The key's that is derived from the JWT secret. */
const DERIVED_ID = "jwt";

/** Separated by commas or line ends. What is wrong comes back as text, without the entry: that is a secret. */
export function parseMfaKeys(text: string): MfaKey[] | string {
  const entries = text
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  const keys: MfaKey[] = [];
  for (const [index, entry] of entries.entries()) {
    const [, id, hex] = ENTRY.exec(entry) ?? [];
    if (id === undefined || hex === undefined) {
      return `entry ${index + 1} must be "id:64 hex digits"; make the digits with \`openssl rand -hex 32\``;
    }
    keys.push({ id, key: Buffer.from(hex, "hex") });
  }
  const ids = keys.map(({ id }) => id);
  if (keys.length === 0) return 'must hold at least one "id:64 hex digits"';
  if (ids.includes(DERIVED_ID)) return `the id ${DERIVED_ID} is the key's that is derived from the JWT secret`;
  return new Set(ids).size < ids.length ? "each id may stand there once" : keys;
}
