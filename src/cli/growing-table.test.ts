// A table that goes on.
import { expect, it } from "vitest";
import { GrowingTable } from "./growing-table.ts";

it("is headed once, keeps its columns, and makes them wider where it must", () => {
  const table = new GrowingTable<{ name: string }>([
    { header: "NAME", value: ({ name }) => name },
    { header: "LENGTH", value: ({ name }) => String(name.length) },
  ]);
  expect(table.render([])).toBe("NAME  LENGTH\n");
  expect(table.render([{ name: "a" }])).toBe("a     1\n");
  expect(table.render([{ name: "a\u001bb" }, { name: "" }])).toBe("a\\u001bb  3\n-         0\n");
});
