// No method without a rule, no rule without a method.
import { readdirSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { ACCESS_RULES } from "./access-rules.ts";
import { SERVICES } from "./services.ts";

/** What ts-proto makes of a service: methods that know their path. */
type Definition = Record<string, { path: string }>;

const GENERATED = new URL("../../../gen/rexec/", import.meta.url);
let definitions: Definition[] = [];
let paths: string[] = [];

beforeAll(async () => {
  const files = readdirSync(GENERATED, { recursive: true, encoding: "utf8" });
  const services = files.filter((file) => file.endsWith("_service.ts"));
  const modules = await Promise.all(services.map((file) => import(new URL(file, GENERATED).href)));
  definitions = modules.flatMap((module: object) => Object.values(module).filter(isDefinition));
  paths = definitions.flatMap((definition) => Object.values(definition).map(({ path }) => path));
});

function isDefinition(value: unknown): value is Definition {
  if (typeof value !== "object" || value === null) return false;
  const methods: unknown[] = Object.values(value);
  return (
    methods.length > 0 && methods.every((method) => typeof method === "object" && method !== null && "path" in method)
  );
}

it("every generated method has a rule, and every rule a method", () => {
  expect(paths.length).toBeGreaterThan(30);
  expect([...ACCESS_RULES.keys()].sort()).toEqual([...paths].sort());
});

it("every generated service is served", () => {
  expect(new Set<unknown>(SERVICES)).toEqual(new Set<unknown>(definitions));
});

it("what changes something needs more than read", () => {
  const readers = /\/(Get|List|Watch|Check|OpenTerminal$|ExchangeToken$)/;
  for (const [path, rule] of ACCESS_RULES) {
    if (rule === "read") expect(path).toMatch(readers);
  }
});
