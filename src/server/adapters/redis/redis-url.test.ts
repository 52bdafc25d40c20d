// What URLs of Redis mean, and what is said of those that mean nothing.
import { describe, expect, it } from "vitest";
import { parseRedisUrl } from "./redis-url.ts";

const OPEN = { username: undefined, password: undefined, tls: false };

describe("the URL of Redis", () => {
  it.each([
    ["redis://localhost", { ...OPEN, kind: "single", at: { host: "localhost", port: 6379 }, db: 0 }],
    ["redis://10.0.0.1:7000/3", { ...OPEN, kind: "single", at: { host: "10.0.0.1", port: 7000 }, db: 3 }],
    ["redis://[::1]:7000?db=3", { ...OPEN, kind: "single", at: { host: "::1", port: 7000 }, db: 3 }],
    [
      "rediss://ana:p%40%3As@redis.example/",
      {
        kind: "single",
        at: { host: "redis.example", port: 6379 },
        db: 0,
        username: "ana",
        password: "p@:s",
        tls: true,
      },
    ],
    [
      "redis+sentinel://:secret@a,b:26380/mymaster?db=1",
      {
        ...OPEN,
        kind: "sentinel",
        password: "secret",
        sentinels: [
          { host: "a", port: 26_379 },
          { host: "b", port: 26_380 },
        ],
        master: "mymaster",
        db: 1,
      },
    ],
    [
      "rediss+cluster://a:7001,[2001:db8::1]:7002",
      {
        ...OPEN,
        kind: "cluster",
        tls: true,
        nodes: [
          { host: "a", port: 7001 },
          { host: "2001:db8::1", port: 7002 },
        ],
      },
    ],
  ])("is read: %s", (url, target) => {
    expect(parseRedisUrl(url)).toEqual(target);
  });

  const schemes = "must begin with redis:// or rediss://, or either with +sentinel or +cluster, as in redis+cluster://";
  const hosts =
    "must name hosts as host or host:port, several separated by commas; in a user or password, write @ : / ? # % and , percent-encoded";
  const database = "must name one database, by its number, as in ?db=0";
  it.each([
    ["", schemes],
    ["localhost:6379", schemes],
    ["http://localhost", schemes],
    ["valkey+cluster://localhost", schemes],
    ["redis://", hosts],
    ["redis://host:99999", hosts],
    ["redis://host:0", hosts],
    ["redis://:pass/word@host", hosts],
    ["redis://:pass@word@host", hosts],
    ["redis+cluster://a,,b", hosts],
    ["redis://:50%@host", "must have a user and password that are percent-encoded, as in user:p%40ss@"],
    ["redis://a:b:c@host", "must have a user and password that are percent-encoded, as in user:p%40ss@"],
    ["redis://a,b", "must name one host; for several, begin with redis+sentinel:// or redis+cluster://"],
    ["redis+sentinel://a", "must end in the master's name, as in redis+sentinel://host:26379/mymaster"],
    ["redis+cluster://a/1", "must name no database: a cluster has only one"],
    ["redis+cluster://a?db=1", "must name no database: a cluster has only one"],
    ["redis://a?timeout=1", "must have no option but ?db="],
    ["redis://a/one", database],
    ["redis://a/1?db=2", database],
    ["redis://a?db=-1", database],
  ])("is refused with what it must be: %s", (url, problem) => {
    expect(parseRedisUrl(url)).toBe(problem);
  });
});
