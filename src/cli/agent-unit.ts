// What the machine's own service manager is told of the agent: a systemd unit, a launchd property list. Pure.

/** system: of the machine, for root. user: of one user, as that user. */
export type ServiceScope = "system" | "user";

export interface AgentUnit {
  scope: ServiceScope;
  /** The program and its arguments. */
  argv: readonly string[];
  /** Where things are; never a secret: everybody may read the file. */
  env: Readonly<Record<string, string>>;
  /** launchd keeps no journal. */
  logFile: string;
}

export const UNIT_NAME = "rexec-agent.service";
export const LAUNCHD_LABEL = "dev.rexec.agent";
/** The first line but for XML's own; what lacks it was not written here, and is left alone. */
export const MARK = "Written by `rexec agent install`, and removed by `rexec agent uninstall`.";

/** Tokens reach the agent by its file alone; one in the manager's environment would reach every shell. */
const UNSET = ["REXEC_TOKEN", "REXEC_TOKEN_FILE", "REXEC_AGENT_ID", "REXEC_HOST"];

export function systemdUnit({ scope, argv, env }: AgentUnit): string {
  const isSystem = scope === "system";
  const environment = Object.entries(env).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}\n`);
  return `# ${MARK}
[Unit]
Description=Rexec agent: terminals on this machine
${isSystem ? "Wants=network-online.target\nAfter=network-online.target\n" : ""}\
# There is no number of failures after which it gives up.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${argv.map((word) => quoted(word).replaceAll("$", "$$$$")).join(" ")}
${isSystem ? "# HOME and the rest as root has them.\nUser=root\n" : ""}\
${environment.join("")}\
# The token is in a file of its own (mode 0600), which the agent reads: not here, and not in the environment of shells.
UnsetEnvironment=${UNSET.join(" ")}

# It reconnects by itself; this is for a process that has ended. The waits grow from 5 s to 1 min (systemd 254; older
# ones say that they don't know two of these names, and wait 5 s each time).
Restart=always
RestartSec=5s
RestartSteps=6
RestartMaxDelaySec=60s
# The agent ends its shells itself; what they leave behind is killed.
KillMode=mixed
TimeoutStopSec=15s

# Hardened as far as shells are not hurt: they run inside this service, and are there for administration. So neither
# NoNewPrivileges, nor what implies it for a user's services (SystemCallFilter, RestrictSUIDSGID, LockPersonality, …):
# it would break sudo, su and debuggers; nor ProtectSystem, ProtectHome, PrivateTmp, PrivateDevices and their like, which would show shells
# another machine than everybody else sees; nor bounds of capabilities or memory, which are for what shells run, too.
StandardInput=null
# A command that has used up the memory is killed, and not the terminals beside it.
OOMPolicy=continue
${isSystem ? "KeyringMode=private\n" : ""}\

[Install]
WantedBy=${isSystem ? "multi-user.target" : "default.target"}
`;
}

export function launchdPlist({ argv, env, logFile }: AgentUnit): string {
  const strings = argv.map((word) => `    <string>${escaped(word)}</string>\n`).join("");
  const variables = Object.entries(env)
    .map(([name, value]) => `    <key>${escaped(name)}</key>\n    <string>${escaped(value)}</string>\n`)
    .join("");
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- ${MARK} -->
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LAUNCHD_LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${strings}  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables}  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <!-- launchd's waits do not grow. -->
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <!-- Keys are to be echoed at once: no saving of energy. -->
  <key>ProcessType</key>
  <string>Interactive</string>
  <key>StandardErrorPath</key>
  <string>${escaped(logFile)}</string>
</dict>
</plist>
`;
}

/** systemd's quotes: "%" begins a specifier. */
function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("\n", "\\n")}"`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
