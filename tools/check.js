// `npm run check`: everything a change has to pass besides the tests. Runs every step, however many fail, and exits 1 if
// any did. One line for each step; what a step said follows only when it failed.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** What each step looks after, and its command. The slowest come first: two run at a time. */
const steps = [
  ["dead code", "knip", "--no-progress", "--no-config-hints"],
  ["types", "tsc", "-p", "tsconfig.json"],
  ["page's types", "tsc", "-p", "src/web"],
  ["import rules", "node", "tools/import-check.js"],
  ["generated code", "node", "tools/gen.js", "--check"],
  ["typed lint", "oxlint", "--deny-warnings"],
  ["proto lint", "buf", "lint"],
  ["format", "biome", "format"],
  ["lock file", "node", "tools/lock-check.js"],
];

const env = {
  ...process.env,
  // This Node first: the tools are `#!/usr/bin/env node` scripts, and the system's Node may be too old for them.
  PATH: [dirname(process.execPath), join(root, "node_modules/.bin"), process.env.PATH].join(delimiter),
  ...(process.stdout.isTTY && process.env.NO_COLOR === undefined ? { FORCE_COLOR: "1" } : {}),
};

function run(command, args) {
  return new Promise((done) => {
    const chunks = [];
    const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.stderr.on("data", (chunk) => chunks.push(chunk));
    child.on("error", (error) => done({ passed: false, output: `${command}: ${error.message}` }));
    child.on("close", (code) => done({ passed: code === 0, output: Buffer.concat(chunks).toString().trimEnd() }));
  });
}

const waiting = [...steps];
const failed = [];

async function work() {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
    const [name, command, ...args] = step;
    const started = performance.now();
    const { passed, output } = await run(command, args);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${passed ? "ok  " : "FAIL"} ${name.padEnd(15)} ${seconds.padStart(5)} s`);
    if (passed) continue;
    failed.push(name);
    console.log(`${output}\n`);
  }
}

await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
if (failed.length > 0) {
  console.log(`failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
