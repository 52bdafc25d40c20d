// Every method of the services and its request, from the descriptors: for tests that must know a new field by itself.

import {
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { descriptorSetBase64 } from "../../src/gen/descriptors.ts";

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(descriptorSetBase64, "base64")));

export const METHODS: readonly DescMethod[] = [...registry].flatMap((type) =>
  type.kind === "service" ? type.methods : [],
);

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Paths to every string of a message, through the messages in it. */
export function textFields(message: DescMessage, above: readonly DescMessage[] = []): DescField[][] {
  if (above.includes(message)) return [];
  return message.fields.flatMap((field) => {
    // Of a map it is what the key leads to.
    if (field.scalar === ScalarType.STRING) return [[field]];
    if (field.fieldKind === "map") throw new Error(`${message.typeName}.${field.name}: teach this to fill such maps`);
    return field.message === undefined
      ? []
      : textFields(field.message, [...above, message]).map((path) => [field, ...path]);
  });
}

/** A request with `text` in one field, and beside it in every string what `plausible` says: "" where it says nothing. */
export function requestWith(
  input: DescMessage,
  path: readonly DescField[],
  given: {
    text: string;
    plausible: (field: DescField) => string | undefined;
    /** What an update's mask names; the field itself where it is left out. */
    masked?: string;
  },
): Message {
  const { text, plausible, masked = path.at(-1)?.name ?? "" } = given;
  const message = create(input);
  const reflected = reflect(input, message);
  for (const field of input.fields) {
    if (field.fieldKind === "scalar" && field.scalar === ScalarType.STRING && field.oneof === undefined) {
      reflected.set(field, plausible(field) ?? "");
    }
    if (field.message?.typeName === "google.protobuf.FieldMask" && field !== path[0]) {
      reflected.set(field, reflect(field.message, create(field.message, { paths: [masked] })));
    }
  }
  const [field, ...rest] = path;
  if (field === undefined) return message;
  const inner = field.message && requestWith(field.message, rest, given);
  const value = inner === undefined ? text : reflect(field.message as DescMessage, inner);
  if (field.fieldKind === "map") reflected.get(field).set("KEY", value);
  else if (field.fieldKind === "list") reflected.get(field).add(value);
  else reflected.set(field, value);
  return message;
}
