// What this machine is: said once per connection.

import { readFileSync } from "node:fs";
import { access, constants, readFile, statfs } from "node:fs/promises";
import os from "node:os";
import type { SystemInfo } from "../gen/rexec/agent/v1/machine.ts";
import { readCgroupMemory } from "./cgroup.ts";
import { parseMeminfo } from "./memory.ts";

export async function readSystemInfo(): Promise<SystemInfo> {
  const disk = await readDisk();
  const memory = parseMeminfo(await text("/proc/meminfo"));
  const group = await readCgroupMemory();
  const totalBytes = Math.min(memory?.totalBytes ?? os.totalmem(), group?.limitBytes ?? Number.POSITIVE_INFINITY);
  const availableBytes = memory?.availableBytes ?? os.freemem();
  return {
    hostname: os.hostname(),
    os: process.platform,
    arch: process.arch,
    distro: distro(),
    cpuCount: os.availableParallelism(),
    memoryTotalBytes: totalBytes,
    memoryAvailableBytes: group === undefined ? availableBytes : Math.max(0, group.limitBytes - group.usedBytes),
    memoryFreeBytes: os.freemem(),
    diskTotalBytes: disk?.totalBytes ?? 0,
    diskAvailableBytes: disk?.availableBytes ?? 0,
    diskFreeBytes: disk?.freeBytes ?? 0,
    region: await readRegion(),
    virtualization: await readVirtualization(),
    isRoot: process.getuid?.() === 0,
    hasSudo: await hasSudo(),
  };
}

/** The distribution's name, or "" where the system does not say. */
export function distro(): string {
  try {
    return parseOsRelease(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return ""; // Not Linux, or a bare container.
  }
}

export function parseOsRelease(text: string): string {
  const value = (name: string) =>
    new RegExp(`^${name}=(?:"([^"]*)"|'([^']*)'|(.*))$`, "m")
      .exec(text)
      ?.slice(1)
      .find((part) => part !== undefined);
  return (value("PRETTY_NAME") ?? value("NAME") ?? value("ID") ?? "").trim();
}

export interface Disk {
  totalBytes: number;
  freeBytes: number;
  /** To users who are not root. */
  availableBytes: number;
}

export async function readDisk(): Promise<Disk | undefined> {
  try {
    const { blocks, bfree, bavail, bsize } = await statfs("/");
    return { totalBytes: blocks * bsize, freeBytes: bfree * bsize, availableBytes: bavail * bsize };
  } catch {
    return undefined; // The caller leaves the figures out.
  }
}

/** cloud-init leaves the region in a file; no metadata service is asked. */
async function readRegion(): Promise<string> {
  try {
    const data: unknown = JSON.parse(await readFile("/run/cloud-init/instance-data.json", "utf8"));
    const v1 = typeof data === "object" && data !== null && "v1" in data ? data.v1 : undefined;
    const region = typeof v1 === "object" && v1 !== null && "region" in v1 ? v1.region : undefined;
    return typeof region === "string" ? region : "";
  } catch {
    return ""; // Not a cloud machine, or no cloud-init.
  }
}

async function readVirtualization(): Promise<string> {
  if ((await exists("/.dockerenv")) || (await exists("/run/.containerenv"))) return "container";
  const environment = await text("/run/systemd/container");
  if (environment !== "") return "container";
  if (/docker|containerd|kubepods|lxc|libpod/.test(await text("/proc/1/cgroup"))) return "container";
  const product = `${await text("/sys/class/dmi/id/sys_vendor")} ${await text("/sys/class/dmi/id/product_name")}`;
  if (
    /qemu|kvm|vmware|virtualbox|xen|bochs|google compute|amazon ec2|microsoft corporation virtual|openstack|parallels/i.test(
      product,
    )
  )
    return "vm";
  return /^flags\s*:.*\bhypervisor\b/m.test(await text("/proc/cpuinfo")) ? "vm" : "none";
}

async function hasSudo(): Promise<boolean> {
  for (const directory of ["/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin"]) {
    if (await exists(`${directory}/sudo`, constants.X_OK)) return true;
  }
  return false;
}

async function exists(path: string, mode = constants.F_OK): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

async function text(path: string): Promise<string> {
  // A file that is not there says nothing.
  return readFile(path, "utf8").catch(() => "");
}
