// Where Redis is, from one URL: a server, a master that sentinels watch, or a cluster.

export interface RedisHost {
  host: string;
  port: number;
}

interface Access {
  username: string | undefined;
  /** Of the data's servers; sentinels are asked without one. */
  password: string | undefined;
  tls: boolean;
}

export type RedisTarget = Access &
  (
    | { kind: "single"; at: RedisHost; db: number }
    | { kind: "sentinel"; sentinels: readonly RedisHost[]; master: string; db: number }
    | { kind: "cluster"; nodes: readonly RedisHost[] }
  );

type Kind = RedisTarget["kind"];

const SCHEMES: Readonly<Record<string, { kind: Kind; tls: boolean }>> = {
  redis: { kind: "single", tls: false },
  rediss: { kind: "single", tls: true },
  "redis+sentinel": { kind: "sentinel", tls: false },
  "rediss+sentinel": { kind: "sentinel", tls: true },
  "redis+cluster": { kind: "cluster", tls: false },
  "rediss+cluster": { kind: "cluster", tls: true },
};

const DEFAULT_PORTS: Readonly<Record<Kind, number>> = { single: 6379, sentinel: 26_379, cluster: 6379 };

/** Several hosts are more than the URL of a browser may have. */
const PARTS = /^([a-z+]+):\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^/?#]*))?(?:\?([^?#]*))?$/;

/** Where it is not right: what it must be. Nothing of the URL is repeated, for it may hold a password anywhere. */
export function parseRedisUrl(url: string): RedisTarget | string {
  const scheme = SCHEMES[url.slice(0, Math.max(0, url.indexOf("://")))];
  if (scheme === undefined) {
    return "must begin with redis:// or rediss://, or either with +sentinel or +cluster, as in redis+cluster://";
  }
  const { kind, tls } = scheme;
  const [, , credentials, hostList = "", path = "", query = ""] = PARTS.exec(url) ?? [];
  const hosts = hostList.split(",").map((text) => parseHost(text, DEFAULT_PORTS[kind]));
  if (!hosts.every((host) => host !== undefined)) {
    return "must name hosts as host or host:port, several separated by commas; in a user or password, write @ : / ? # % and , percent-encoded";
  }
  const access = parseAccess(credentials, tls);
  if (access === undefined) return "must have a user and password that are percent-encoded, as in user:p%40ss@";
  const [at, ...others] = hosts;
  if (at === undefined || (kind === "single" && others.length > 0)) {
    return "must name one host; for several, begin with redis+sentinel:// or redis+cluster://";
  }

  const options = [...new URLSearchParams(query)];
  if (options.some(([name]) => name !== "db")) return "must have no option but ?db=";
  const databases = [...options.map(([, value]) => value), ...(kind === "single" && path !== "" ? [path] : [])];
  const [database = "0"] = databases;
  if (databases.length > 1 || !/^\d{1,5}$/.test(database)) return "must name one database, by its number, as in ?db=0";
  const db = Number(database);

  switch (kind) {
    case "single":
      return { ...access, kind, at, db };
    case "sentinel":
      if (path === "") return "must end in the master's name, as in redis+sentinel://host:26379/mymaster";
      return { ...access, kind, sentinels: hosts, master: path, db };
    case "cluster":
      if (path !== "" || db !== 0) return "must name no database: a cluster has only one";
      return { ...access, kind, nodes: hosts };
    default:
      return kind satisfies never;
  }
}

function parseHost(text: string, defaultPort: number): RedisHost | undefined {
  const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const number = port === undefined ? defaultPort : Number(port);
  return host === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number };
}

function parseAccess(credentials: string | undefined, tls: boolean): Access | undefined {
  const [username = "", password = "", ...rest] = (credentials ?? "").split(":");
  if (rest.length > 0) return undefined;
  try {
    return {
      username: decodeURIComponent(username) || undefined,
      password: decodeURIComponent(password) || undefined,
      tls,
    };
  } catch {
    return undefined; // A % that begins nothing.
  }
}
