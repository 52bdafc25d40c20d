// Renders docs/api.md: a head written by hand, then every service of the protos with its comments, its access rule and
// its errors. The rule comes from the server's own table; the errors from the comment ("Throws …") of the domain
// function that has the method's name.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createFileRegistry, fromBinary, ScalarType } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ERRORS } from "../src/protocol/errors.ts";
import { ACCESS_RULES } from "../src/server/transports/grpc/access-rules.ts";

// Field numbers of descriptor.proto: how source_code_info names places.
const MESSAGES = 4;
const ENUMS = 5;
const SERVICES = 6;
const FIELDS = 2;
const NESTED_MESSAGES = 3;
const METHODS = 2;
const VALUES = 2;

/** Any call may answer these: the head says so. */
const COMMON = new Set([
  "TOKEN_INVALID",
  "NOT_AUTHORIZED",
  "INVALID_ARGUMENT",
  "TOO_MANY_ATTEMPTS",
  "BACKEND_UNAVAILABLE",
  "DRAINING",
  "INTERNAL",
]);

/** `descriptorSet`: bytes, with source info. `root`: of the repository. */
export function renderApiReference(descriptorSet, root) {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
  const throws = readThrows(root);
  const files = [...registry.files].filter(
    ({ proto }) => proto.package.startsWith("rexec.") && proto.service.length > 0,
  );
  files.sort((a, b) => (a.proto.package < b.proto.package ? -1 : 1));
  const head = readFileSync(join(root, "tools/api-head.md"), "utf8").trim();
  const services = files.flatMap((file) => renderFile(file, throws));
  const machine = [...registry.files].find(({ name }) => name === "rexec/agent/v1/machine");
  const messages = machine === undefined ? [] : ["## Messages of agents, in several services", ...renderTypes(machine)];
  return `${[head, ...services, ...messages].join("\n\n")}\n`;
}

/** Which reasons each domain function says it throws. */
function readThrows(root) {
  const throws = new Map();
  const documented = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*export (?:async )?function (\w+)/g;
  for (const path of globSync("src/server/domain/**/*.ts", { cwd: root }).sort()) {
    for (const [, comment, name] of readFileSync(join(root, path), "utf8").matchAll(documented)) {
      const said = /\bThrows ([^.;]*)/.exec(comment)?.[1].match(/\b[A-Z_]{4,}\b/g) ?? [];
      throws.set(
        name,
        said.filter((reason) => reason in ERRORS && !COMMON.has(reason)),
      );
    }
  }
  return throws;
}

function renderFile(file, throws) {
  const comments = readComments(file);
  const services = file.proto.service.flatMap((service, at) => [
    `## ${service.name}`,
    paragraph(`\`${file.proto.package}.${service.name}\`. ${comments([SERVICES, at])}`),
    ...service.method.map((method, index) => {
      const rule = ACCESS_RULES.get(`/${file.proto.package}.${service.name}/${method.name}`);
      const reasons = throws.get(method.name[0].toLowerCase() + method.name.slice(1)) ?? [];
      return [
        `### ${service.name}.${method.name}`,
        "",
        ...optional(comments([SERVICES, at, METHODS, index])),
        `- ${method.clientStreaming ? "stream of " : ""}\`${lastName(method.inputType)}\` → ${method.serverStreaming ? "stream of " : ""}\`${lastName(method.outputType)}\``,
        `- Access: ${rule === undefined ? "nobody" : `\`${rule.scope}\`${rule.changes ? "; changes something" : ""}`}`,
        ...(reasons.length === 0 ? [] : [`- Errors: ${reasons.map((reason) => `\`${reason}\``).join(", ")}`]),
      ].join("\n");
    }),
  ]);
  return [...services, ...renderTypes(file)];
}

function renderTypes(file) {
  const comments = readComments(file);
  return [
    ...file.proto.messageType.flatMap((message, at) => renderMessage(message, [MESSAGES, at], comments, "")),
    ...file.proto.enumType.map((one, at) => renderEnum(one, [ENUMS, at], comments)),
  ];
}

function renderMessage(message, path, comments, outer) {
  const name = `${outer}${message.name}`;
  const fields = message.field.map((field, index) => {
    const text = comments([...path, FIELDS, index]);
    const oneOf = isChoice(field) ? `One of ${message.oneofDecl[field.oneofIndex].name}. ` : "";
    return `| ${field.number} | \`${field.name}\` | ${typeOf(field)} | ${cell(oneOf + text)} |`;
  });
  const table = fields.length === 0 ? "Empty." : ["| | field | type | |", "|---|---|---|---|", ...fields].join("\n");
  const lines = [`#### ${name}`, "", ...optional(comments(path)), table];
  const nested = message.nestedType
    .map((inner, at) => ({ inner, at }))
    .filter(({ inner }) => inner.options?.mapEntry !== true)
    .flatMap(({ inner, at }) => renderMessage(inner, [...path, NESTED_MESSAGES, at], comments, `${name}.`));
  return [lines.join("\n"), ...nested];
}

/** A field that never was in a oneof has the index as a default only. */
function isChoice(field) {
  return Object.hasOwn(field, "oneofIndex") && !field.proto3Optional;
}

function renderEnum(one, path, comments) {
  const values = one.value.map(
    (value, at) => `| ${value.number} | \`${value.name}\` | ${cell(comments([...path, VALUES, at]))} |`,
  );
  const table = ["| | value | |", "|---|---|---|", ...values];
  return [`#### ${one.name}`, "", ...optional(comments(path)), ...table].join("\n");
}

/** The numbers of types in descriptor.proto are those of ScalarType, where they are scalars. */
function typeOf({ type, typeName, label }) {
  const name = typeName === "" ? `\`${ScalarType[type].toLowerCase()}\`` : `\`${lastName(typeName)}\``;
  return label === 3 ? `repeated ${name}` : name;
}

function lastName(typeName) {
  return typeName.replace(/^\.google\.protobuf\.|^\.rexec\.\w+\.v1\./, "");
}

function readComments({ proto }) {
  const byPath = new Map();
  for (const { path, leadingComments, trailingComments } of proto.sourceCodeInfo?.location ?? []) {
    byPath.set(path.join("."), `${leadingComments ?? ""} ${trailingComments ?? ""}`);
  }
  return (path) => (byPath.get(path.join(".")) ?? "").replace(/\s+/g, " ").trim();
}

function optional(text) {
  return text === "" ? [] : [paragraph(text), ""];
}

/** Comments are plain text: nothing in them is markup. */
function paragraph(text) {
  return text.replace(/</g, "&lt;").trim();
}

function cell(text) {
  return paragraph(text).replaceAll("|", "\\|");
}
