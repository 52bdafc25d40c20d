// Messages between instances: only who has the secret makes one, and only as it was made does it open.

import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createMessageSeals } from "./message-seals.ts";

const seals = createMessageSeals("a secret of the tests, 32 bytes or more");
const message = Buffer.from("ls\r");

describe("a sealed message", () => {
  it("opens under its name, with its counter", () => {
    const sealed = seals.sealer("one to two").seal(7, [message]);
    expect(sealed).toHaveLength(message.length + 16);
    expect(Buffer.from(sealed).includes(message)).toBe(false);
    expect(seals.opener("one to two").open(7, sealed)).toEqual(message);
  });

  it("is one message of all its parts, behind what is left unsealed", () => {
    const sealed = seals.sealer("parts").seal(3, [Buffer.from("l"), message.subarray(1)], Buffer.from("before"));
    expect(sealed.subarray(0, 6).toString()).toBe("before");
    expect(seals.opener("parts").open(3, sealed.subarray(6))).toEqual(message);
  });

  it("opens under no other name, counter or secret", () => {
    const sealed = seals.sealer("one to two").seal(7, [message]);
    expect(seals.opener("two to one").open(7, sealed)).toBeUndefined();
    expect(seals.opener("one to two").open(8, sealed)).toBeUndefined();
    const others = createMessageSeals("another secret of the tests, 32 bytes or more");
    expect(others.opener("one to two").open(7, sealed)).toBeUndefined();
  });

  it("does not open when a bit of it is another one, or the end is missing", () => {
    const sealed = seals.sealer("one to two").seal(1, [message]);
    const opener = seals.opener("one to two");
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(opener.open(1, changed)).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(opener.open(1, sealed.subarray(0, length))).toBeUndefined();
    }
  });

  it("may be empty, and as large as a frame", () => {
    for (const size of [0, 32 * 1024 + 20]) {
      const large = randomBytes(size);
      const sealed = seals.sealer("large").seal(2 ** 53 - 1, [large]);
      expect(seals.opener("large").open(2 ** 53 - 1, sealed)).toEqual(large);
    }
  });
});
