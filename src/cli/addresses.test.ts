import { expect, it } from "vitest";
import { isLoopback, parseGrpcAddresses, parseServers } from "./addresses.ts";

it("reads servers' origins", () => {
  expect(parseServers("rexec.example")).toEqual(["https://rexec.example"]);
  expect(parseServers("wss://rexec.example:8443/path, b.example")).toEqual([
    "https://rexec.example:8443",
    "https://b.example",
  ]);
  for (const text of ["ftp://x", "https://me:secret@x", "", "https://a,ftp://x"]) {
    expect(() => parseServers(text)).toThrow("no server address");
  }
});

it("reads gRPC addresses, and finds those that are not said", () => {
  expect(parseGrpcAddresses(undefined, ["https://[::1]:7070", "https://b"])).toEqual(["[::1]:7071", "b:7071"]);
  expect(parseGrpcAddresses("h:1,i:2", ["https://x"])).toEqual(["h:1", "i:2"]);
  expect(() => parseGrpcAddresses("h:1,h", ["https://x"])).toThrow("no gRPC address: h");
});

it("knows this machine, and is not taken in by names that look like it", () => {
  expect(["127.0.0.1", "127.9.9.9", "localhost", "[::1]"].map(isLoopback)).toEqual([true, true, true, true]);
  expect(["127.0.0.1.example.com", "10.0.0.1", "localhost.example"].map(isLoopback)).toEqual([false, false, false]);
});
