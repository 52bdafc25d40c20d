// A TCP proxy that can refuse, cut and fall silent: a network between a client and a real server.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export interface TcpProxy {
  /** `url` with this proxy's host and port. */
  through(url: string): string;
  /** Cuts every connection and refuses new ones. */
  cut(): Promise<void>;
  /**
   * Takes bytes and connections, and lets nothing through either way, not even that one end has gone. A connection that is
   * taken now reaches the server when it is mended, unless its client has given it up.
   */
  fallSilent(): void;
  /** The connections there are fall silent for good; new ones work. */
  loseConnections(): void;
  /** As at first; what was held back meanwhile goes on. */
  mend(): Promise<void>;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  /** Their ends hear nothing of each other. */
  const lost = new Set<Socket>();
  /** Their other end has gone, and they have not heard of it. */
  const orphans = new Set<Socket>();
  /** Taken while silent, with what they have said since. */
  const waiting = new Map<Socket, Buffer[]>();
  let silent = false;
  let port = 0;

  const join = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.on("data", (bytes) => to.write(bytes));
    // The other end's own "close" tells its peer; a reset here is what the test asked for.
    from.on("error", () => from.destroy());
    from.on("close", () => {
      sockets.delete(from);
      if (silent || lost.has(from)) orphans.add(to);
      else to.destroy();
    });
  };
  const carry = (client: Socket, said: readonly Buffer[] = []) => {
    const upstream = connect(target);
    for (const bytes of said) upstream.write(bytes);
    join(client, upstream);
    join(upstream, client);
  };
  const hold = (client: Socket) => {
    const said: Buffer[] = [];
    waiting.set(client, said);
    client.on("data", (bytes) => said.push(bytes));
    client.on("error", () => client.destroy());
    client.on("close", () => waiting.delete(client));
  };
  const listen = async (): Promise<Server> => {
    const server = createServer((client) => (silent ? hold(client) : carry(client)));
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
    return server;
  };
  let server: Server | undefined = await listen();

  const cut = async () => {
    const closed = server === undefined ? undefined : once(server, "close");
    server?.close();
    server = undefined;
    for (const socket of [...sockets, ...waiting.keys()]) socket.destroy();
    orphans.clear();
    lost.clear();
    await closed;
  };

  return {
    through(url) {
      const proxied = new URL(url);
      proxied.hostname = "127.0.0.1";
      proxied.port = String(port);
      return proxied.href;
    },
    cut,
    fallSilent() {
      silent = true;
      for (const socket of sockets) socket.pause();
    },
    loseConnections() {
      for (const socket of sockets) {
        lost.add(socket);
        socket.pause();
      }
    },
    async mend() {
      silent = false;
      lost.clear();
      for (const socket of sockets) socket.resume();
      for (const socket of orphans) socket.destroy();
      orphans.clear();
      for (const [client, said] of waiting) {
        client.removeAllListeners("data").removeAllListeners("error").removeAllListeners("close");
        carry(client, said);
      }
      waiting.clear();
      server ??= await listen();
    },
    close: cut,
  };
}
