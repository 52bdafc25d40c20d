// Who may import whom: "May import" and the fences of docs/architecture.md. Run by tools/import-check.js, which also
// looks for what this cannot see. Everything not allowed here is forbidden; type-only imports count like others.

const npm = { path: "(^|/)node_modules/" };
const builtins = { dependencyTypes: ["core"] };
const within = (...paths) => paths.map((path) => ({ path }));

const gen = "^src/gen/";
const protocol = "^src/protocol/";
const domain = "^src/server/domain/";
const client = "^src/client/";
/** What agent and server ask of Node itself; builtins only. */
const runtime = "^src/runtime/";
/** What everything that draws on a terminal does to a text. */
const text = "^src/text/";
/** How the control plane's watches are followed. */
const watch = "^src/watch/";
/** Generated messages that run in a browser as well: the frames carry them. */
const wireMessages = ["^src/gen/rexec/stream/", "^src/gen/rexec/agent/v1/machine[.]ts$"];

/** `$1` in a target is what the parentheses of `from` matched. Rooms without `npm` and `builtins` are pure. */
const rooms = [
  { from: gen, to: [...within(gen), npm, builtins] },
  { from: protocol, to: within(protocol, ...wireMessages) },
  { from: runtime, to: [...within(runtime), builtins] },
  { from: text, to: [...within(text), npm] },
  { from: watch, to: [...within(watch), builtins] },
  { from: domain, to: within(domain, protocol) },
  {
    from: "^src/server/transports/([^/]+)/",
    to: [
      ...within("^src/server/transports/$1/", "^src/server/transports/shared/", domain, protocol, gen, runtime),
      npm,
      builtins,
    ],
  },
  {
    from: "^src/server/adapters/([^/]+)/",
    to: [...within("^src/server/adapters/$1/", domain, protocol, runtime), npm, builtins],
  },
  { from: "^src/server/adapters/sql/", to: within("^migrations/") },
  {
    from: "^src/server/(server|main|backplane|bookkeeping|cluster|config[^/]*|settings|server-log|tls-files|http-listener|open-stores|page-files|session-recording|version)[.]ts$",
    to: [...within("^src/server/", runtime), npm, builtins],
  },
  { from: "^src/agent/", to: [...within("^src/agent/", protocol, gen, runtime), npm, builtins] },
  { from: client, to: within(client, protocol) },
  {
    from: "^src/(cli|admin-tui)/",
    to: [...within("^src/$1/", client, protocol, gen, text), npm, builtins],
  },
  // A browser has no builtins, and every package travels.
  {
    from: "^src/web/",
    to: within("^src/web/", client, protocol, text, "(^|/)node_modules/@(xterm/xterm|noble/hashes)/"),
  },
  // `rexec up` and `rexec server` run the server, `rexec up` and `rexec agent` the agent, in this very process.
  { from: "^src/cli/(up|server)[.]ts$", to: within("^src/server/(main|server|config)[.]ts$") },
  // What its settings are called is no more than a table of words.
  { from: "^src/cli/server-command[.]ts$", to: within("^src/server/settings[.]ts$") },
  { from: "^src/cli/(up|agent[^/]*)[.]ts$", to: within("^src/agent/(main|agent|config)[.]ts$") },
  // `rexec admin` gives the admin TUI its server and its shells; nothing else of the TUI is the command line's business.
  { from: "^src/cli/admin[.]ts$", to: within("^src/admin-tui/main[.]tsx?$") },
  // `rexec doctor` opens a terminal as the agent does.
  { from: "^src/cli/doctor-machine[.]ts$", to: within("^src/agent/pty/real-pty[.]ts$") },
  // What must not miss a change follows watches in one and the same way.
  { from: "^src/(cli|admin-tui)/", to: within(watch) },
  { from: "^migrations/", to: [...within("^migrations/"), npm, builtins] },
  // Tests beside the code.
  {
    from: "^(src|migrations)/.*[.]test[.]tsx?$",
    to: [...within("^test/support/", "(^|/)node_modules/(vitest|fast-check)/"), builtins],
  },
  // What is not shipped goes where it must.
  { from: "^(test|bench|drill|tools)/", to: [{}] },
];

const fences = [
  { name: "redis", packages: "ioredis", only: "^src/server/adapters/redis/" },
  {
    name: "sql",
    packages: "kysely|kysely-[^/]+|pg|pg-[^/]+|@electric-sql/[^/]+",
    only: "^(src/server/adapters/sql|migrations)/",
  },
  { name: "prometheus", packages: "prom-client", only: "^src/server/adapters/prometheus/" },
  { name: "browser", packages: "@xterm/xterm", only: "^src/web/" },
  { name: "pty", packages: "@lydell/node-pty[^/]*|node-pty", only: "^src/agent/pty/" },
  { name: "ink", packages: "ink|ink-[^/]+|@inkjs/[^/]+|react|react-[^/]+", only: "^src/admin-tui/" },
];

/** A package as it resolves, as its typings resolve, and as it stands when it is not installed. */
const packagesPath = (names) => `((^|/)node_modules/(@types/)?|^)(${names})(/|$)`;

module.exports = {
  forbidden: [
    { name: "no-circles", severity: "error", from: {}, to: { circular: true } },
    { name: "unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "undeclared-package",
      severity: "error",
      from: { path: "^(src|migrations)/" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "test-package-in-product",
      severity: "error",
      from: { path: "^(src|migrations)/", pathNot: "[.]test[.]tsx?$" },
      to: { dependencyTypes: ["npm-dev"], pathNot: "(^|/)node_modules/@types/" },
    },
    { name: "imports-a-test", severity: "error", from: {}, to: { path: "[.]test[.]tsx?$" } },
    ...fences.map(({ name, packages, only }) => ({
      name: `fence-${name}`,
      severity: "error",
      from: { path: "^(src|migrations)/", pathNot: only },
      to: { path: packagesPath(packages) },
    })),
  ],
  allowed: rooms.flatMap(({ from, to }) => to.map((target) => ({ from: { path: from }, to: target }))),
  allowedSeverity: "error",
  options: {
    // TypeScript 7 has no API to parse with; without swc no module is read at all.
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "(^|/)node_modules/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
    },
  },
};
