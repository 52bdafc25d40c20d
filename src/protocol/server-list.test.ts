import { expect, test } from "vitest";
import { mapServerList, splitServerList } from "./server-list.ts";

test("a list keeps its order, and names each server once", () => {
  expect(splitServerList("https://b, https://a,,https://b ,")).toEqual(["https://b", "https://a"]);
  expect(splitServerList("one")).toEqual(["one"]);
  expect(splitServerList(" , ")).toBeUndefined();
  expect(splitServerList("")).toBeUndefined();
});

test("servers that turn out to be the same count once", () => {
  expect(mapServerList(["A", "a", "b"], (server) => server.toLowerCase())).toEqual(["a", "b"]);
});
