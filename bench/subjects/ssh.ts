// OpenSSH, straight and through a bastion, with keys and configuration of its own on free ports of loopback.

import { writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "../child.ts";
import { steadyPort } from "../../test/support/steady-port.ts";
import type { SubjectOptions, TerminalSubject } from "./subject.ts";

const SSHD = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].find((path) => existsSync(path));

/** Both subjects share the sshd that runs the shells. Throws, with the reason, where there is no usable sshd. */
export async function startSsh({
  directory,
  shell,
}: SubjectOptions): Promise<[ssh: TerminalSubject, sshJump: TerminalSubject]> {
  if (SSHD === undefined) throw new Error("sshd is not installed");
  await makeKey(join(directory, "host-key"));
  await makeKey(join(directory, "user-key"));
  const machine = await startSshd(directory, "machine", `ForceCommand exec ${shell}`);
  const bastion = await startSshd(directory, "bastion", "PermitTTY no").catch(async (error: unknown) => {
    await machine.sshd.stop();
    throw error;
  });
  const configFile = join(directory, "ssh-config");
  const common = [
    `User ${userInfo().username}`,
    `IdentityFile ${join(directory, "user-key")}`,
    "IdentitiesOnly yes",
    "StrictHostKeyChecking no",
    "UserKnownHostsFile /dev/null",
    "LogLevel ERROR",
    "HostName 127.0.0.1",
  ];
  const hosts = [
    ["Host straight", `Port ${machine.port}`, ...common],
    ["Host bastion", `Port ${bastion.port}`, ...common],
    ["Host behind", `Port ${machine.port}`, `ProxyJump bastion`, ...common],
  ];
  await writeFile(configFile, `${hosts.flat().join("\n")}\n`);
  return [
    {
      name: "ssh",
      target: { kind: "ssh", configFile, host: "straight" },
      relayPid: undefined,
      agentPid: undefined,
      stop: () => machine.sshd.stop(),
    },
    {
      name: "ssh-jump",
      target: { kind: "ssh", configFile, host: "behind" },
      relayPid: bastion.sshd.pid,
      agentPid: undefined,
      stop: () => bastion.sshd.stop(),
    },
  ];
}

function makeKey(path: string): Promise<string> {
  return startChild("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path], {}).ended();
}

async function startSshd(directory: string, name: string, setting: string): Promise<{ sshd: Child; port: number }> {
  const port = await steadyPort();
  const configFile = join(directory, `${name}-config`);
  const settings = [
    "ListenAddress 127.0.0.1",
    `Port ${port}`,
    `HostKey ${join(directory, "host-key")}`,
    `AuthorizedKeysFile ${join(directory, "user-key.pub")}`,
    "PidFile none",
    "StrictModes no",
    "UsePAM no",
    "PermitRootLogin yes",
    "PasswordAuthentication no",
    "PrintMotd no",
    "PrintLastLog no",
    "UseDNS no",
    setting,
  ];
  await writeFile(configFile, `${settings.join("\n")}\n`);
  const sshd = startChild(SSHD as string, ["-D", "-e", "-f", configFile], {});
  await sshd.line(/listening on/);
  return { sshd, port };
}
