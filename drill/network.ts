// The network between one agent or viewer and all instances: each of them through a proxy of its own.

import { startTcpProxy, type TcpProxy } from "../test/support/tcp-proxy.ts";

export interface Network {
  /** As the instances stand: where this one's `index`th is reached. */
  urls: readonly string[];
  cut(): Promise<void>;
  /** The connections there are neither carry nor end from now on; new ones work. */
  mute(): void;
  /**
   * Nothing goes through either way, and nobody is told: connections carry and end nothing, and new ones are not answered,
   * until it is mended. With an index only on the way to that instance.
   */
  fallSilent(index?: number): void;
  mend(): Promise<void>;
  close(): Promise<void>;
}

export async function startNetwork(ports: readonly number[]): Promise<Network> {
  const proxies: TcpProxy[] = [];
  for (const port of ports) proxies.push(await startTcpProxy({ host: "127.0.0.1", port }));
  const all = async (act: (proxy: TcpProxy) => Promise<void>): Promise<void> => {
    await Promise.all(proxies.map(act));
  };
  return {
    urls: proxies.map((proxy) => proxy.through("ws://127.0.0.1").replace(/\/$/, "")),
    cut: () => all((proxy) => proxy.cut()),
    mute() {
      for (const proxy of proxies) proxy.loseConnections();
    },
    fallSilent(index) {
      for (const proxy of index === undefined ? proxies : proxies.slice(index, index + 1)) proxy.fallSilent();
    },
    mend: () => all((proxy) => proxy.mend()),
    close: () => all((proxy) => proxy.close()),
  };
}
