// Plants imports in small trees and sees which ones the import check reports.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { checkImports } from "./import-check.js";

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

const packages = [
  "ioredis",
  "kysely",
  "pg",
  "@electric-sql/pglite",
  "@lydell/node-pty",
  "ink",
  "react",
  "ws",
  "@xterm/xterm",
  "@noble/hashes",
];
const testPackages = ["vitest", "fast-check"];

/** A tree with these files and, in node_modules, an empty package for every name above. */
function plant(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "rexec-import-check-"));
  roots.push(root);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const versions = (names: string[]) => Object.fromEntries(names.map((name) => [name, "1.0.0"]));
  write(
    "package.json",
    JSON.stringify({ name: "planted", dependencies: versions(packages), devDependencies: versions(testPackages) }),
  );
  for (const name of [...packages, ...testPackages, "undeclared"]) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: "1.0.0", main: "index.js" }));
    write(`node_modules/${name}/index.js`, "module.exports = {};");
  }
  for (const [path, text] of Object.entries(files)) write(path, text);
  return root;
}

/** One file for each edge, so that no edge hides behind another; targets exist and import nothing. */
function plantEdges(edges: [from: string, to: string][]): string {
  const files: Record<string, string> = {};
  for (const [, to] of edges) if (/^(src|test|migrations)\//.test(to)) files[to] = "export const here = 1;";
  for (const [from, to] of edges) {
    const specifier = /^(src|test|migrations)\//.test(to) ? `${"../".repeat(from.split("/").length - 1)}${to}` : to;
    files[from] = `${files[from] ?? ""}\nimport type { here } from "${specifier}";`;
  }
  return plant(files);
}

async function problemsOf(root: string): Promise<string[]> {
  return (await checkImports(root)).problems.sort();
}

const allowed: [string, string][] = [
  ["src/gen/rexec/user.ts", "ws"],
  ["src/gen/rexec/user2.ts", "src/gen/google/any.ts"],
  ["src/protocol/frame.ts", "src/protocol/ids.ts"],
  ["src/protocol/frame2.ts", "src/gen/rexec/stream/v1/control.ts"],
  ["src/protocol/frame3.ts", "src/gen/rexec/agent/v1/machine.ts"],
  ["src/server/domain/agents/register.ts", "src/server/domain/ports.ts"],
  ["src/server/domain/agents/register2.ts", "src/protocol/ids.ts"],
  ["src/server/transports/ws/socket.ts", "src/server/transports/ws/codec.ts"],
  ["src/server/transports/ws/socket2.ts", "src/server/transports/shared/identity.ts"],
  ["src/server/transports/ws/socket3.ts", "src/server/domain/ports.ts"],
  ["src/server/transports/grpc/service.ts", "src/gen/rexec/user/v1/user.ts"],
  ["src/server/transports/http/routes.ts", "node:http"],
  ["src/server/adapters/sql/store.ts", "kysely"],
  ["src/server/adapters/sql/migrate.ts", "migrations/0001_first.ts"],
  ["src/server/adapters/redis/locations.ts", "ioredis"],
  ["src/server/adapters/memory/locations.ts", "src/server/domain/ports.ts"],
  ["src/server/server.ts", "src/server/adapters/memory/all.ts"],
  ["src/server/main.ts", "src/server/transports/ws/codec.ts"],
  ["src/server/http-listener.ts", "src/server/transports/http/http-handler.ts"],
  ["src/server/config-schema.ts", "ws"],
  ["migrations/0002_second.ts", "kysely"],
  ["src/agent/tunnel.ts", "ws"],
  ["src/agent/pty/real.ts", "@lydell/node-pty"],
  ["src/agent/system.ts", "node:os"],
  ["src/client/viewer.ts", "src/protocol/ids.ts"],
  ["src/cli/attach.ts", "src/client/open.ts"],
  ["src/cli/up.ts", "src/server/config.ts"],
  ["src/cli/up.ts", "src/agent/agent.ts"],
  ["src/cli/server.ts", "src/server/main.ts"],
  ["src/cli/server-command.ts", "src/server/settings.ts"],
  ["src/cli/agent-run.ts", "src/agent/main.ts"],
  ["src/admin-tui/App.tsx", "ink"],
  ["src/admin-tui/List.tsx", "react"],
  ["src/web/page.ts", "src/client/open.ts"],
  ["src/web/screen.ts", "@xterm/xterm"],
  ["src/web/files/sum.ts", "@noble/hashes"],
  ["src/protocol/frame.test.ts", "vitest"],
  ["src/protocol/frame.test.ts", "fast-check"],
  ["src/protocol/frame.test.ts", "node:fs"],
  ["src/server/domain/agents/register.test.ts", "test/support/clock.ts"],
];

test("what the architecture allows passes", async () => {
  const result = await checkImports(plantEdges(allowed));

  expect(result.problems).toEqual([]);
  expect(result.edges).toBe(allowed.length);
});

const forbidden: [string, string][] = [
  ["src/gen/rexec/user.ts", "src/protocol/ids.ts"],
  ["src/protocol/a.ts", "node:fs"],
  ["src/protocol/b.ts", "ws"],
  ["src/protocol/c.ts", "src/client/open.ts"],
  ["src/protocol/d.ts", "src/gen/rexec/user/v1/user.ts"],
  ["src/protocol/e.ts", "src/gen/rexec/agent/v1/agent_service.ts"],
  ["src/server/domain/a.ts", "node:crypto"],
  ["src/server/domain/b.ts", "ws"],
  ["src/server/domain/c.ts", "src/gen/rexec/stream/v1/control.ts"],
  ["src/server/domain/d.ts", "src/server/adapters/memory/all.ts"],
  ["src/server/domain/e.ts", "src/server/transports/ws/codec.ts"],
  ["src/server/transports/ws/a.ts", "src/server/transports/grpc/service.ts"],
  ["src/server/transports/ws/b.ts", "src/server/adapters/memory/all.ts"],
  ["src/server/transports/shared/a.ts", "src/server/transports/ws/codec.ts"],
  ["src/server/adapters/redis/a.ts", "src/server/adapters/memory/all.ts"],
  ["src/server/adapters/redis/b.ts", "migrations/0001_first.ts"],
  ["src/server/adapters/sql/a.ts", "src/gen/rexec/user/v1/user.ts"],
  ["src/server/server.ts", "src/agent/agent.ts"],
  ["src/server/server.ts", "src/protocol/ids.ts"],
  ["src/server/elsewhere.ts", "src/server/domain/ports.ts"],
  ["src/agent/a.ts", "src/server/domain/ports.ts"],
  ["src/agent/b.ts", "src/client/open.ts"],
  ["src/client/a.ts", "src/gen/rexec/stream/v1/control.ts"],
  ["src/client/b.ts", "ws"],
  ["src/client/c.ts", "node:net"],
  ["src/cli/attach.ts", "src/server/main.ts"],
  ["src/cli/attach.ts", "src/server/settings.ts"],
  ["src/cli/server-command.ts", "src/server/config.ts"],
  ["src/cli/attach.ts", "src/admin-tui/App.tsx"],
  ["src/cli/up.ts", "src/server/domain/ports.ts"],
  ["src/cli/server.ts", "src/agent/main.ts"],
  ["src/cli/agent-run.ts", "src/server/main.ts"],
  ["src/cli/up.ts", "src/agent/tunnel.ts"],
  ["src/admin-tui/a.ts", "src/cli/attach2.ts"],
  ["src/web/a.ts", "src/server/domain/ports.ts"],
  ["src/web/b.ts", "ws"],
  ["src/web/c.ts", "node:fs"],
  ["src/loose.ts", "src/protocol/ids.ts"],
  ["migrations/0002_second.ts", "src/server/domain/ports.ts"],
  ["src/protocol/a.test.ts", "ws"],
  ["src/protocol/a.test.ts", "test/flows/server.ts"],
  ["src/agent/c.ts", "test/support/clock.ts"],
];

test("everything else is reported, edge by edge", async () => {
  const builtinsAsResolved = (to: string) => to.replace("node:", "");
  const packagesAsResolved = (to: string) => (to === "ws" ? "node_modules/ws/index.js" : to);

  expect(await problemsOf(plantEdges(forbidden))).toEqual(
    forbidden.map(([from, to]) => `not-in-allowed: ${from} → ${packagesAsResolved(builtinsAsResolved(to))}`).sort(),
  );
});

const fenced: [rule: string, from: string, to: string][] = [
  ["fence-redis", "src/server/transports/ws/a.ts", "ioredis"],
  ["fence-redis", "src/server/adapters/memory/a.ts", "ioredis"],
  ["fence-sql", "src/server/server.ts", "kysely"],
  ["fence-sql", "src/server/adapters/redis/a.ts", "pg"],
  ["fence-sql", "src/agent/a.ts", "@electric-sql/pglite"],
  ["fence-pty", "src/agent/terminals.ts", "@lydell/node-pty"],
  ["fence-ink", "src/cli/attach.ts", "ink"],
  ["fence-browser", "src/agent/d.ts", "@xterm/xterm"],
  ["test-package-in-product", "src/agent/b.ts", "vitest"],
  ["undeclared-package", "src/agent/c.ts", "undeclared"],
];

test("fenced packages are reported outside their room", async () => {
  const root = plantEdges(fenced.map(([, from, to]) => [from, to]));

  expect(await problemsOf(root)).toEqual(
    fenced.map(([rule, from, to]) => `${rule}: ${from} → node_modules/${to}/index.js`).sort(),
  );
});

test("a fenced package that is not installed is reported as well", async () => {
  const root = plantEdges([["src/agent/a.ts", "ioredis"]]);
  rmSync(join(root, "node_modules/ioredis"), { recursive: true });

  expect(await problemsOf(root)).toContain("fence-redis: src/agent/a.ts → ioredis");
});

test("circles, missing files and imported tests are reported", async () => {
  const root = plant({
    "src/protocol/a.ts": 'import "./b.ts";',
    "src/protocol/b.ts": 'import type { A } from "./a.ts";',
    "src/protocol/c.ts": 'import "./gone.ts";',
    "src/protocol/d.ts": 'import "./e.test.ts";',
    "src/protocol/e.test.ts": "export {};",
  });

  const rules = (await problemsOf(root)).map((problem) => problem.split(":")[0]);
  expect(new Set(rules)).toEqual(new Set(["no-circles", "unresolvable", "not-in-allowed", "imports-a-test"]));
});

test("an import is seen however it is written", async () => {
  const ways = [
    'import { here } from "../server/x.ts";',
    'import type { Here } from "../server/x.ts";',
    'import { type Here } from "../server/x.ts";',
    'import "../server/x.ts";',
    'export * from "../server/x.ts";',
    'export type { Here } from "../server/x.ts";',
    'export class A { async load() { return (await import("../server/x.ts")).here; } }',
  ];
  const files = Object.fromEntries(ways.map((text, index) => [`src/agent/way${index}.ts`, text]));
  const root = plant({ ...files, "src/server/x.ts": "export const here = 1; export type Here = 1;" });

  expect(await problemsOf(root)).toEqual(
    ways.map((_, index) => `not-in-allowed: src/agent/way${index}.ts → src/server/x.ts`),
  );
});

test("imports no rule could judge are reported", async () => {
  const root = plant({
    "src/agent/a.ts": 'export type A = import("ws").A;',
    "src/agent/b.ts": "export const load = (name: string) => import(name);",
  });

  expect(await problemsOf(root)).toEqual([
    "import-of-an-expression: src/agent/b.ts",
    "import-type-in-place: src/agent/a.ts",
  ]);
});

test("the environment is read in config.ts files only", async () => {
  const readers = [
    "export const a = process.env;",
    'export const a = process["env"]["HOME"];',
    "export const a = globalThis.process.env.HOME;",
    "export const { env } = process;",
    "export const a = process?.env?.HOME;",
    'import { env } from "node:process"; export const a = env;',
    'import me from "node:process"; export const a = me.env;',
  ];
  const files = Object.fromEntries(readers.map((text, index) => [`src/agent/reader${index}.ts`, text]));
  const root = plant({
    ...files,
    "src/agent/config.ts": "export const a = process.env;",
    "src/agent/comment.ts": '// process.env is not read here\nexport const a = "process.env";',
  });

  expect(await problemsOf(root)).toEqual(readers.map((_, index) => `process-env: src/agent/reader${index}.ts`));
});

test("a tree without modules fails", async () => {
  expect(await checkImports(plant({}))).toEqual({
    modules: 0,
    edges: 0,
    problems: ["nothing-read: no modules below src/"],
  });
});
