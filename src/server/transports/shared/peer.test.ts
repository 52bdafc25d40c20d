// Whose address counts: the socket's, or what a trusted proxy says.
import { BlockList } from "node:net";
import { describe, expect, it } from "vitest";
import { peerOf } from "./peer.ts";

const nobody = new BlockList();
const proxies = new BlockList();
proxies.addSubnet("10.0.0.0", 8, "ipv4");
proxies.addAddress("fd00::1", "ipv6");

const address = (remote: string, forwardedFor?: string, trusted = proxies) =>
  peerOf(trusted, remote, forwardedFor).address;

describe("the caller's address", () => {
  it("is the socket's where nobody is trusted", () => {
    expect(address("192.0.2.1", "198.51.100.7", nobody)).toBe("192.0.2.1");
    expect(address("192.0.2.1", "198.51.100.7")).toBe("192.0.2.1");
  });

  it("is what a trusted proxy says", () => {
    expect(address("10.0.0.1", "198.51.100.7")).toBe("198.51.100.7");
    expect(address("::ffff:10.0.0.1", "198.51.100.7:4711")).toBe("198.51.100.7");
    expect(address("fd00::1", "[2001:db8::5]:443")).toBe("2001:db8::5");
    expect(address("10.0.0.1")).toBe("10.0.0.1");
  });

  it("is the last one that no trusted proxy has, whatever the client wrote before it", () => {
    expect(address("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2")).toBe("198.51.100.7");
    expect(address("10.0.0.1", "203.0.113.9,198.51.100.7")).toBe("198.51.100.7");
  });

  it("is the proxy's where it says something else", () => {
    for (const said of ["", "unknown", "198.51.100.7, _hidden", "198.51.100.7 x"]) {
      expect(address("10.0.0.1", said)).toBe("10.0.0.1");
    }
  });
});

describe("attempts are counted", () => {
  const network = (remote: string) => peerOf(nobody, remote, undefined).network;

  it("by the address of IPv4", () => {
    expect(network("192.0.2.1")).toBe("192.0.2.1");
    expect(network("::ffff:192.0.2.1")).toBe("192.0.2.1");
  });

  it("by the /64 of IPv6, however it is written", () => {
    expect(network("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
    expect(network("2001:0db8:0001:0002::9")).toBe("2001:db8:1:2::/64");
    expect(network("2001:db8::1")).toBe("2001:db8:0:0::/64");
    expect(network("::1")).toBe("0:0:0:0::/64");
    expect(network("fe80::1%eth0")).toBe("fe80:0:0:0::/64");
  });
});
