// docs/errors.md says what src/protocol/errors.ts does.

import { describe, expect, it } from "vitest";
import { errorRow, type ErrorReason, ERRORS, GRPC } from "../../src/protocol/errors.ts";
import { readDocument, sectionOf, tableRows } from "./markdown.ts";

const rows = tableRows(sectionOf(readDocument("docs/errors.md"), "## The table"));
const GRPC_NAMES = new Map<number, string>(Object.entries(GRPC).map(([name, code]) => [code, name]));

describe("the error table of docs/errors.md", () => {
  it("has the same reasons as the code, in the same order", () => {
    expect(rows.map(([reason]) => reason)).toEqual(Object.keys(ERRORS));
  });

  it.each(Object.keys(ERRORS) as ErrorReason[])("says of %s what the code does", (reason) => {
    const { message, grpc, http, ws, retryAfterS } = errorRow(reason);
    const [, saidMessage, saidGrpc, saidDetails, saidHttp, saidWs] = rows.find(([name]) => name === reason) ?? [];
    expect({ saidMessage, saidGrpc, saidHttp, saidWs }).toEqual({
      saidMessage: message,
      saidGrpc: GRPC_NAMES.get(grpc),
      saidHttp: String(http),
      saidWs: String(ws),
    });
    expect(/RetryInfo: (\d+) s/.exec(saidDetails ?? "")?.[1]).toBe(retryAfterS?.toString());
  });
});
