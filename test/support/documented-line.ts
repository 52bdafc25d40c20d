// From a command line as a document has it to one that runs: what must be there first, and what some of its words mean.

import { randomUUID } from "node:crypto";
import { type DocumentedMachine, DocumentedWorld } from "./documented-world.ts";
import { authenticatorOf } from "./mfa.ts";
import { steadyPort } from "./steady-port.ts";

export interface PreparedLine {
  world: DocumentedWorld;
  /** For a shell. */
  script: string;
  /** What is typed where a code of the second factor is asked for. */
  mfaCode: string;
  /** What is typed where a link is asked for. */
  link: string;
}

/** Other agents than `box` that documents name. */
const AGENTS = ["box-1", "box-2", "second", "myhost"];

/** The ids and the code that documents show; those of this world stand for them. */
const RECORDING = "5e1f6a8e-3c0f-4a3b-9f43-2f1d4c6f7a10";
const ID = "11111111-1111-4111-8111-111111111111";
const CODE = "7K2M-9QX4";
const SOMEBODY = "ana@example.com";

/** What is said in general, or left out, and what it may be. */
const PLACEHOLDERS: readonly [RegExp, string][] = [
  [/\bAGENT\b…?/g, "box"],
  [/\bSESSION\b/g, "main"],
  [/\b(EMAIL|USER)\b/g, SOMEBODY],
  [/\bNAME\b/g, "prod"],
  [/\bSOURCE DESTINATION\b/g, "backup.tar.gz box:/var/tmp/"],
  [/\bFILE\b/g, "/etc/rexec.yaml"],
  [/\bCOMMAND\b…?/g, "uname -a"],
  [/\bRECORDING\b/g, RECORDING],
  [/\bCODE\b/g, CODE],
  [/(?<=instances drain )ID\b/g, "server-1"],
  [/\b((TOKEN|AGENT)_)?ID\b|(?<=REXEC_AGENT_ID=)…/g, ID],
  [/(?<=REXEC_TOKEN_FILE=)…/g, "agent-token"],
  [/ … /g, " "],
  [/ +#.*/g, ""],
];

/** A line with something in place of each of its placeholders, and without a comment. */
export function spellOut(line: string): string {
  return PLACEHOLDERS.reduce((said, [placeholder, word]) => said.replace(placeholder, word), line);
}

/** `line`: spelled out. All is made for it alone: an account that is logged in, its agents, sessions and ids. */
export async function prepareLine(
  machine: DocumentedMachine,
  { line, exports }: { line: string; exports: readonly string[] },
): Promise<PreparedLine> {
  const says = (pattern: RegExp | string): boolean => line.search(pattern) >= 0;
  const world = await DocumentedWorld.make(machine, {
    as: says(/instances drain/) ? "admin of its own server" : says(/rexec (users|instances)\b/) ? "admin" : "user",
    isEnrolled: says(/rexec agent (?!enroll)|--agent /),
  });
  try {
    // One that is to be made is not there yet; nor are those of the admin, whose names would be taken by other worlds'.
    if (!says(/--name box\b|rexec (users|instances)\b/)) await world.connectAgent("box", ["web", "eu"]);
    for (const name of AGENTS) if (says(new RegExp(`\\b${name}\\b`))) await world.connectAgent(name);
    const somebody = `${randomUUID()}@example.com`;
    const ids = await prepareIds(world, says);
    if (says(/users (update|rm)/)) await world.rexec("users", "create", somebody);
    const mfaCode = await prepareMfa(world, says);
    const tokenFile = /--token-file ([a-z-]+)/.exec(line)?.[1];
    if (tokenFile !== undefined && tokenFile !== "-") world.writeFile(tokenFile, world.token);
    if (says(/< code\b/)) world.writeFile("code", mfaCode);
    if (says(/< link\b/)) world.writeFile("link", ids.link);
    const meanings = meaningsIn({ machine, world, ids, somebody, port: await steadyPort() });
    const script = [...environmentOf(world, says), ...exports, line].map((text) =>
      meanings.reduce((said, [pattern, meaning]) => said.replace(pattern, meaning), text),
    );
    return { world, script: `${script.join("\n")}\n`, mfaCode, link: ids.link };
  } catch (error) {
    await world.close();
    throw error;
  }
}

interface Ids {
  recording: string;
  split: string;
  code: string;
  /** Of a share. */
  link: string;
  /** Of a code, a token or a share, whichever the line is about. */
  id: string;
}

async function prepareIds(world: DocumentedWorld, says: (pattern: RegExp | string) => boolean): Promise<Ids> {
  const ids = { recording: "", split: "", code: "", link: "", id: "" };
  if (says(/sessions|--session|recordings start|rexec (shares?|join)|\bmain\b/) || says(RECORDING))
    await world.openSession("box", "main");
  if (says(/\bsplit-1\b/)) ids.split = await world.openSession("box", "split");
  if (says(RECORDING)) {
    ids.recording = await world.rexec("recordings", "start", "box");
    if (!says(/recordings stop/)) await world.rexec("recordings", "stop", ids.recording);
  }
  if (says(CODE)) ids.code = await world.rexec("agent", "invite");
  if (says(/rexec (shares|join)/)) {
    const share = await world.rexecJson<{ id: string; link: string }>("share", "box");
    Object.assign(ids, { id: share.id, link: share.link });
  } else if (says(ID)) {
    const made = says(/invites/) ? ["agent", "invite"] : ["token", "create", "ci"];
    ids.id = (await world.rexecJson<{ id: string }>(...made)).id;
  }
  return ids;
}

/** A second factor as far as the line wants it, and the agent locked where it is to be opened. Returns a code. */
async function prepareMfa(world: DocumentedWorld, says: (pattern: RegExp | string) => boolean): Promise<string> {
  if (!says(/agents (un)?lock|mfa (confirm|disable|verify|status)/)) return "";
  const made = await world.rexecJson<{ otpauth_url: string; recovery_codes: string[] }>("mfa", "enroll");
  const appCode = authenticatorOf(made.otpauth_url).code(Date.now());
  if (says(/mfa confirm/)) return appCode;
  const confirmed = await world.home.run(["mfa", "confirm"], { input: `${appCode}\n` });
  if (confirmed.code !== 0) throw new Error(`the second factor is not on: ${confirmed.stderr}`);
  if (says(/agents unlock|mfa verify/)) await world.rexec("agents", "lock", "box");
  return made.recovery_codes[0] ?? "";
}

function environmentOf(world: DocumentedWorld, says: (pattern: RegExp | string) => boolean): string[] {
  const common = [
    "set -o pipefail",
    `export PATH='${world.bin}':"$PATH"`,
    // zsh's; its first element has the index 1.
    'fpath=(none "$HOME/functions")',
  ];
  if (!says(/rexec server/)) return common;
  // What a server can't do without, in a place of its own: the line may say something else.
  return [...common, "export REXEC_HTTP_PORT=0 REXEC_GRPC_PORT=0 REXEC_JWT_SECRET_FILE=jwt-secret"];
}

/** All that is not run as it is written, replaced in this order. */
function meaningsIn(made: {
  machine: DocumentedMachine;
  world: DocumentedWorld;
  ids: Ids;
  somebody: string;
  port: number;
}): [RegExp | string, string][] {
  const { machine, world, ids, somebody, port } = made;
  const { http, grpc } = world.addresses;
  return [
    // Servers. Ports of servers that the line starts are free ones.
    [/\bhttps:\/\/(rexec|one)\.example(\.com)?|\bhttp:\/\/127\.0\.0\.1:7170\b/g, http[0]],
    [/\bhttps:\/\/two\.example\.com|\bhttp:\/\/127\.0\.0\.1:7070\b/g, http[1]],
    [/\b127\.0\.0\.1:7171\b/g, grpc[0]],
    [/\b127\.0\.0\.1:7071\b/g, grpc[1]],
    [/_PORT=7\d{3}\b/g, "_PORT=0"],
    [/(?<=--port )\d+/g, String(port)],
    [/\bpostgres:\/\/…/g, machine.databaseUrl],
    [/\bredis:\/\/127\.0\.0\.1\b/g, machine.redis.url],
    // Ids, codes and people.
    [RECORDING, ids.recording],
    [/(?<=(--agent |REXEC_AGENT_ID=))11111111-[0-9a-f-]+/, world.agentIds.get("this-machine") ?? ""],
    [ID, ids.id],
    [CODE, ids.code],
    [/\bsplit-1\b/, ids.split],
    [SOMEBODY, somebody],
    // The machine's own directories and services, which are left alone: those of the home stand for them.
    [/(?<=[ :])\/(?=(etc\/rexec|var\/))/g, "$HOME/"],
    [/\brexec agent (install|status|uninstall)\b(?!.* --user)/g, "$& --user"],
  ];
}
