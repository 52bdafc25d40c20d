// A server with other people's terminals on it, and strangers of every kind who dial in.

import { startTestServer, type TestServer } from "../support/test-server.ts";
import { V1Agent } from "./v1-agent.ts";
import { V2Agent } from "./v2-agent.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { WireSocket } from "./wire-socket.ts";

export class Strangers {
  readonly server: TestServer;
  /** Writes down what is typed: nothing that a stranger sends may show there. */
  readonly shell: V2Agent;
  readonly v1Shell: V1Agent;
  readonly #sockets: WireSocket[] = [];
  #marks = 0;

  private constructor(server: TestServer, shell: V2Agent, v1Shell: V1Agent) {
    this.server = server;
    this.shell = shell;
    this.v1Shell = v1Shell;
  }

  static async start(): Promise<Strangers> {
    const server = await startTestServer();
    const shell = await V2Agent.connect(server);
    return new Strangers(server, shell, await V1Agent.dial(server, await server.registerAgent()));
  }

  close(): Promise<void> {
    return this.server.close();
  }

  /** Its socket goes when the test is over. */
  keep<T extends { wire: WireSocket }>(peer: T): T {
    this.#sockets.push(peer.wire);
    return peer;
  }

  /** After each test: the server is up, a terminal works, and all that was ever typed is these marks. Throws otherwise. */
  async leave(): Promise<void> {
    for (const wire of this.#sockets.splice(0)) wire.socket.terminate();
    const viewer = await this.viewer();
    const mark = `<${++this.#marks}>`;
    await viewer.type(mark);
    await this.shell.isTyped(mark);
    await viewer.wire.close();
    const rest = this.shell.typed.replaceAll(/<\d+>/g, "");
    if (rest !== "") throw new Error(`typed by a stranger: ${JSON.stringify(rest)}`);
  }

  /** Nothing has been said on it. */
  async viewerSocket(token = this.server.adminToken): Promise<V2Viewer> {
    return this.keep(await V2Viewer.dial(this.server.wsUrl, this.shell.agentId, { token }));
  }

  async viewer({ readOnly = false } = {}): Promise<V2Viewer> {
    const { wsUrl, adminToken: token } = this.server;
    return this.keep(await V2Viewer.open(wsUrl, this.shell.agentId, { token, readOnly }));
  }

  /** Nothing has been said on it. */
  async agentSocket(): Promise<V2Agent> {
    return this.keep(await V2Agent.dial(this.server, await this.server.registerAgent()));
  }

  async agent(): Promise<V2Agent> {
    return this.keep(await V2Agent.connect(this.server));
  }

  async v1User(token = this.server.adminToken): Promise<{ wire: WireSocket }> {
    const url = `${this.server.wsUrl}/ws/agent/${this.v1Shell.agentId}/terminal`;
    const wire = await WireSocket.dial(url, { token });
    await wire.jsonOf("shell_started");
    return this.keep({ wire });
  }

  async v1Agent(): Promise<V1Agent> {
    return this.keep(await V1Agent.dial(this.server, await this.server.registerAgent()));
  }
}
