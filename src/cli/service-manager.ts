// The machine's own service manager, systemd or launchd: where its files are, and what it is told and asked.

import { execFile } from "node:child_process";
import { join } from "node:path";
import {
  type AgentUnit,
  LAUNCHD_LABEL,
  launchdPlist,
  type ServiceScope,
  systemdUnit,
  UNIT_NAME,
} from "./agent-unit.ts";
import { CliError } from "./cli-error.ts";

/** A manager that answers nothing is not waited for any longer: stopping the agent may take 15 s. */
const TIMEOUT_MS = 30_000;

export interface ServiceState {
  isEnabled: boolean;
  isRunning: boolean;
}

export interface ServiceManager {
  kind: "systemd" | "launchd";
  file: string;
  render(unit: AgentUnit): string;
  /** From now on at each start of the machine, or of the user's session; at once, too, where `start` says so. */
  enable(start: boolean): Promise<void>;
  /** Stops it, and starts it no more. What does not run is stopped. */
  disable(): Promise<void>;
  /** After its file has gone. */
  forget(): Promise<void>;
  state(): Promise<ServiceState>;
}

export interface MachinePlaces {
  platform: string;
  home: string;
  /** XDG_CONFIG_HOME. */
  configHome: string;
  uid: number;
}

/** Throws UNIMPLEMENTED where there is neither. */
export function serviceManager(scope: ServiceScope, places: MachinePlaces): ServiceManager {
  if (places.platform === "linux") return systemd(scope, places);
  if (places.platform === "darwin") return launchd(scope, places);
  throw new CliError("UNIMPLEMENTED", {
    message: `services are not known on ${places.platform}`,
    hint: "run `rexec agent run` by whatever starts programs there",
  });
}

function systemd(scope: ServiceScope, { configHome }: MachinePlaces): ServiceManager {
  const directory = scope === "system" ? "/etc/systemd/system" : join(configHome, "systemd/user");
  const manager = scope === "system" ? [] : ["--user"];
  const tell = (...words: string[]) => mustRun("systemctl", [...manager, ...words]);
  const says = async (word: string) => (await run("systemctl", [...manager, word, UNIT_NAME])).stdout.trim();
  return {
    kind: "systemd",
    file: join(directory, UNIT_NAME),
    render: systemdUnit,
    async enable(start) {
      await tell("daemon-reload");
      await tell("enable", UNIT_NAME);
      // One that runs is to run as the new file says.
      if (start) await tell("restart", UNIT_NAME);
    },
    disable: () => tell("disable", "--now", UNIT_NAME),
    forget: () => tell("daemon-reload"),
    state: async () => ({
      isEnabled: (await says("is-enabled")) === "enabled",
      isRunning: (await says("is-active")) === "active",
    }),
  };
}

function launchd(scope: ServiceScope, { home, uid }: MachinePlaces): ServiceManager {
  const isSystem = scope === "system";
  const directory = isSystem ? "/Library/LaunchDaemons" : join(home, "Library/LaunchAgents");
  const file = join(directory, `${LAUNCHD_LABEL}.plist`);
  const domain = isSystem ? "system" : `gui/${uid}`;
  const service = `${domain}/${LAUNCHD_LABEL}`;
  const printed = () => run("launchctl", ["print", service]);
  return {
    kind: "launchd",
    file,
    render: launchdPlist,
    async enable(start) {
      await run("launchctl", ["bootout", service]);
      await mustRun("launchctl", ["enable", service]);
      // It is loaded by its file at the next login or start; loading it is starting it.
      if (start) await mustRun("launchctl", ["bootstrap", domain, file]);
    },
    async disable() {
      await run("launchctl", ["bootout", service]);
    },
    forget: () => Promise.resolve(),
    async state() {
      const { code, stdout } = await printed();
      return { isEnabled: code === 0, isRunning: /^\s*state = running$/m.test(stdout) };
    },
  };
}

async function mustRun(program: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(program, args);
  if (code === 0) return;
  throw new CliError("UNREACHABLE", {
    message: `\`${[program, ...args].join(" ")}\` has failed`,
    why: stderr.trim().split("\n")[0] || `it ended with ${code ?? "no code"}`,
    hint: "is this machine started by it, and are you in a session of your own? --dry-run prints what would be written",
  });
}

/** `code` undefined: it did not run, or not to its end; `stderr` says why. */
function run(
  program: string,
  args: readonly string[],
): Promise<{ code: number | undefined; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: TIMEOUT_MS, encoding: "utf8" }, (error, stdout, stderr) => {
      if (error === null) return resolve({ code: 0, stdout, stderr });
      const code = typeof error.code === "number" ? error.code : undefined;
      resolve({ code, stdout, stderr: stderr || error.message });
    });
  });
}
