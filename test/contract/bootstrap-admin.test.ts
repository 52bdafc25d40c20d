// The first admin, on every database.
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/server/adapters/node/clock.ts";
import { nodeSecrets } from "../../src/server/adapters/node/secrets.ts";
import { ensureBootstrapAdmin } from "../../src/server/domain/access/bootstrap-admin.ts";
import type { UserId } from "../../src/protocol/ids.ts";
import { DATABASES } from "../support/databases.ts";

describe.each(DATABASES)("the first admin on $name", ({ open }) => {
  it("gets an account once and a token every time; an account that is no admin gets none", async () => {
    const stores = await open();
    try {
      const deps = { ...stores, secrets: nodeSecrets, clock: systemClock };
      const first = await ensureBootstrapAdmin(deps, { email: "root@example.com" });
      const second = await ensureBootstrapAdmin(deps, { email: "root@example.com" });
      expect(first.user).toMatchObject({ email: "root@example.com", admin: true });
      expect(second.user).toEqual(first.user);
      expect(second.secret).not.toBe(first.secret);
      for (const { secret, user } of [first, second]) {
        const stored = await stores.tokens.findByHash(nodeSecrets.sha256Hex(secret));
        expect(stored).toMatchObject({ name: "bootstrap", scopes: ["admin"], user });
      }
      const id = nodeSecrets.randomUuid() as UserId;
      await stores.users.ensure({ id, email: "bob@example.com", username: "bob", plan: "free", admin: false });
      await expect(ensureBootstrapAdmin(deps, { email: "bob@example.com" })).rejects.toThrow("not authorized");
    } finally {
      await stores.close();
    }
  });
});
