// Enrolment codes as people read them out and type them: eight symbols of Crockford's base32, 40 bits, in two groups.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 8;
const CODE = new RegExp(`^[${ALPHABET}]{${LENGTH}}$`);
/** With what people put between the symbols. */
const MAX_TYPED_LENGTH = 64;

/** What a code is made of. */
export const ENROLLMENT_CODE_BYTES = 5;

/** `hex`: of that many random bytes. */
export function enrollmentCodeOf(hex: string): string {
  const digits = Number.parseInt(hex, 16).toString(ALPHABET.length).padStart(LENGTH, "0");
  return digits.replace(/./g, (digit) => ALPHABET.charAt(Number.parseInt(digit, ALPHABET.length)));
}

/** "XXXX-XXXX". */
export function showEnrollmentCode(code: string): string {
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`;
}

/** The eight symbols in capitals, whatever case, dashes and blanks they were typed with; undefined for what is no code. */
export function parseEnrollmentCode(typed: string): string | undefined {
  if (typed.length > MAX_TYPED_LENGTH) return undefined;
  const code = typed
    .replace(/[\s-]/g, "")
    .toUpperCase()
    // The alphabet leaves out what looks like a digit.
    .replace(/[IL]/g, "1")
    .replaceAll("O", "0");
  return CODE.test(code) ? code : undefined;
}
