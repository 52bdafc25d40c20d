// A process that writes to a PGlite directory until it is killed: prints each row's id once it is acknowledged.
import { randomUUID } from "node:crypto";
import { openPglite } from "../../src/server/adapters/sql/sql-stores.ts";
import type { UserId } from "../../src/protocol/ids.ts";

const [dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error("usage: pglite-writer DIRECTORY");

const stores = await openPglite({ dataDir });
await stores.migrate();
for (;;) {
  const id = randomUUID() as UserId;
  await stores.users.ensure({ id, email: `${id}@example.org`, username: id, plan: "free", admin: false });
  process.stdout.write(`${id}\n`);
}
