// Checks who imports whom (.dependency-cruiser.cjs), and that the check itself has seen everything: a parser that reads
// no module, or misses an import, would otherwise pass in silence. Also keeps `process.env` inside config.ts files.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseSync } from "@swc/core";
import { cruise } from "dependency-cruiser";

const ownRoot = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const checkedDirs = ["src", "migrations"];

/** Returns what was read, and one line for each thing wrong, starting with the rule's name. */
export async function checkImports(root = ownRoot) {
  const files = checkedDirs.flatMap((dir) => sourceFiles(root, dir));
  if (files.length === 0) return { modules: 0, edges: 0, problems: ["nothing-read: no modules below src/"] };
  const { options, ...ruleSet } = createRequire(import.meta.url)("../.dependency-cruiser.cjs");
  const { output } = await cruise(files, { ...options, baseDir: root, ruleSet, validate: true });

  const problems = output.summary.violations.map(describeViolation);
  const edgesByFile = new Map(output.modules.map((module) => [module.source, module.dependencies]));
  for (const file of files) {
    const seen = new Set((edgesByFile.get(file) ?? []).map((edge) => withoutScheme(edge.module)));
    const { specifiers, remarks } = inspect(join(root, file));
    for (const specifier of specifiers) {
      if (!seen.has(withoutScheme(specifier))) problems.push(`unseen-import: ${file} → ${specifier}`);
    }
    for (const remark of remarks) problems.push(`${remark}: ${file}`);
  }
  const edges = files.reduce((sum, file) => sum + (edgesByFile.get(file)?.length ?? 0), 0);
  return { modules: files.length, edges, problems };
}

function describeViolation({ rule, from, to, cycle }) {
  return `${rule.name}: ${from} → ${cycle ? cycle.map((step) => step.name).join(" → ") : to}`;
}

function withoutScheme(specifier) {
  return specifier.replace(/^node:/, "");
}

function sourceFiles(root, dir) {
  try {
    return readdirSync(join(root, dir), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .sort();
  } catch (error) {
    if (error.code === "ENOENT") return []; // No migrations yet, or an empty tree: the caller counts.
    throw error;
  }
}

/** Every module a file names, and what no import rule could judge. */
function inspect(path) {
  const ast = parseSync(readFileSync(path, "utf8"), {
    syntax: "typescript",
    tsx: path.endsWith("x"),
    target: "es2023",
  });
  const specifiers = new Set();
  const remarks = new Set();
  const processNames = new Set(["process"]);
  const nodes = [...allNodes(ast)];
  for (const node of nodes) {
    const source = node.source?.value;
    if (node.type === "ImportDeclaration" || node.type.startsWith("Export")) {
      if (source !== undefined) specifiers.add(source);
    } else if (node.type === "CallExpression" && node.callee.type === "Import") {
      const target = node.arguments[0]?.expression;
      if (target?.type === "StringLiteral") specifiers.add(target.value);
      else remarks.add("import-of-an-expression");
    } else if (node.type === "TsImportType") {
      remarks.add("import-type-in-place"); // dependency-cruiser does not see it: write `import type` instead.
    }
    if (node.type === "ImportDeclaration" && withoutScheme(source) === "process") {
      for (const { type, local, imported } of node.specifiers) {
        if (type === "ImportSpecifier" && (imported ?? local).value === "env") remarks.add("process-env");
        else processNames.add(local.value);
      }
    }
  }
  if (nodes.some((node) => readsEnv(node, processNames))) remarks.add("process-env");
  if (basename(path) === "config.ts") remarks.delete("process-env");
  return { specifiers, remarks };
}

/** `process.env`, `process["env"]`, `globalThis.process.env`, `const { env } = process`. */
function readsEnv(node, processNames) {
  if (node.type === "MemberExpression") {
    return nameOf(node.property) === "env" && isProcess(node.object, processNames);
  }
  return (
    node.type === "VariableDeclarator" &&
    node.id.type === "ObjectPattern" &&
    isProcess(node.init, processNames) &&
    node.id.properties.some((property) => property.type === "RestElement" || property.key?.value === "env")
  );
}

function isProcess(node, processNames) {
  if (node?.type === "Identifier") return processNames.has(node.value);
  return node?.type === "MemberExpression" && nameOf(node.property) === "process";
}

function nameOf(property) {
  return property?.type === "Computed" ? property.expression.value : property?.value;
}

function* allNodes(value) {
  if (Array.isArray(value)) {
    for (const item of value) yield* allNodes(item);
  } else if (value !== null && typeof value === "object") {
    if (typeof value.type === "string") yield value;
    for (const child of Object.values(value)) yield* allNodes(child);
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { modules, edges, problems } = await checkImports();
  for (const problem of problems) console.error(problem);
  console.log(`${modules} modules, ${edges} imports read`);
  if (problems.length > 0) process.exitCode = 1;
}
