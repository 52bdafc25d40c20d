// A TCP proxy that can refuse, cut and fall silent: a network between a client and a real server.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export interface TcpProxy {
  /** `url` with this proxy's host and port. */
  through(url: string): string;
  /** Cuts every connection and refuses new ones. */
  cut(): Promise<void>;
  /** Takes bytes and connections, and lets nothing through either way. */
  fallSilent(): void;
  /** The connections there are fall silent for good; new ones work. */
  loseConnections(): void;
  /** As at first; what was held back meanwhile goes on. */
  mend(): Promise<void>;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let silent = false;
  let port = 0;

  const join = (from: Socket, to: Socket) => {
    sockets.add(from);
    if (silent) from.pause();
    from.on("data", (bytes) => to.write(bytes));
    // The other end's own "close" tells its peer; a reset here is what the test asked for.
    from.on("error", () => from.destroy());
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const listen = async (): Promise<Server> => {
    const server = createServer((client) => {
      const upstream = connect(target);
      join(client, upstream);
      join(upstream, client);
    });
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
    for (const socket of sockets) socket.destroy();
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
      for (const socket of sockets) socket.pause();
    },
    async mend() {
      silent = false;
      for (const socket of sockets) socket.resume();
      server ??= await listen();
    },
    close: cut,
  };
}
