// One server of the control plane: its client, and whether it can be reached.

import { type ChannelCredentials, type ChannelOptions, Client, connectivityState } from "@grpc/grpc-js";

export class ApiServer {
  /** For methods of every service. */
  readonly client: Client;

  /** Connects with the first call. */
  constructor(address: string, credentials: ChannelCredentials, options: ChannelOptions) {
    this.client = new Client(address, credentials, options);
  }

  /** Connects. False: refused, or no HTTP/2 server has answered until then. Never rejects. */
  isReachable(untilMs: number, signal?: AbortSignal): Promise<boolean> {
    const channel = this.client.getChannel();
    return new Promise((resolve) => {
      const answer = (isThere: boolean): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve(isThere);
      };
      const onAbort = (): void => answer(false);
      const look = (): void => {
        const state = channel.getConnectivityState(true);
        if (state === connectivityState.READY) return answer(true);
        if (state === connectivityState.TRANSIENT_FAILURE || signal?.aborted) return answer(false);
        channel.watchConnectivityState(state, untilMs, (error) => (error ? answer(false) : look()));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      look();
    });
  }

  close(): void {
    this.client.close();
  }
}
