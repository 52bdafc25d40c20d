// What the help of each command shows by example; a test holds this to the program's commands.

import type { Command } from "commander";
import { visibleCommands } from "./command-tree.ts";

/** By the command's path. Agents, sessions and ids are made up; the commands and flags are not. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  rexec: ["rexec up", "rexec attach box", "rexec agents ls --filter status:online"],
  "rexec up": ["rexec up", "rexec up --port 8080 --dir ~/rexec-data"],
  "rexec login": ["rexec login --server https://rexec.example", "rexec login --context prod --token-file token"],
  "rexec logout": ["rexec logout", "rexec logout --context prod"],
  "rexec whoami": ["rexec whoami", "rexec whoami --json"],
  "rexec context": ["rexec context ls", "rexec context use prod"],
  "rexec context ls": ["rexec context ls", "rexec context ls -o name"],
  "rexec context use": ["rexec context use prod"],
  "rexec context rm": ["rexec context rm old"],
  "rexec server": [
    "rexec server --data-dir /var/lib/rexec",
    "rexec server --config /etc/rexec.yaml --public-url https://rexec.example",
  ],
  "rexec agent": ["rexec agent enroll --name box", "rexec agent run"],
  "rexec agent enroll": [
    "rexec agent enroll --name box --tag web eu",
    "rexec agent enroll --server https://rexec.example --token-file token --run",
    "rexec agent enroll --code 7K2M-9QX4 --server https://rexec.example --run",
  ],
  "rexec agent invite": ["rexec agent invite", "rexec agent invite --name box --tag web eu --expires 1h"],
  "rexec agent invites": ["rexec agent invites ls"],
  "rexec agent invites ls": ["rexec agent invites ls", "rexec agent invites ls --filter used:false -o wide"],
  "rexec agent invites revoke": ["rexec agent invites revoke 11111111-1111-4111-8111-111111111111"],
  "rexec agent run": ["rexec agent run"],
  "rexec agent install": [
    "rexec agent install",
    "rexec agent install --user --no-start",
    "rexec agent install --dry-run",
  ],
  "rexec agent status": ["rexec agent status", "rexec agent status --json"],
  "rexec agent uninstall": ["rexec agent uninstall", "rexec agent uninstall --user"],
  "rexec agents": ["rexec agents ls", "rexec agents get box"],
  "rexec agents ls": [
    'rexec agents ls --filter "status:online tag:web"',
    'rexec agents ls --order "last_seen_at desc" -o wide',
    "rexec agents ls --watch -o jsonl",
  ],
  "rexec agents get": ["rexec agents get box", "rexec agents get box --json"],
  "rexec agents update": [
    "rexec agents update box --name web-1 --tag web eu",
    "rexec agents update box --no-tag --shell /bin/bash",
    "rexec agents update box --record",
  ],
  "rexec agents rm": ["rexec agents rm box", "rexec agents rm box-1 box-2 --yes"],
  "rexec agents lock": ["rexec agents lock box"],
  "rexec agents unlock": ["rexec agents unlock box", "rexec agents unlock box < code"],
  "rexec attach": [
    "rexec attach box",
    "rexec attach box --split",
    "rexec attach box --session main --watch",
    "rexec attach box --wait",
  ],
  "rexec exec": [
    "rexec exec box -- uname -a",
    "rexec exec box --shell -- 'df -h | sort'",
    "rexec exec box -i -- tar xz < files.tar.gz",
    'rexec exec --filter "status:online tag:web" --time-limit 30s -- systemctl is-active nginx',
  ],
  "rexec cp": [
    "rexec cp backup.tar.gz box:/var/tmp/",
    "rexec cp box:/var/log/syslog .",
    "rexec cp -r site/ box:public_html",
    "rexec cp - box:all.tar.gz < all.tar.gz",
  ],
  "rexec sessions": ["rexec sessions ls", "rexec sessions kill box main"],
  "rexec sessions ls": ["rexec sessions ls -o wide", "rexec sessions ls --filter kind:main --watch"],
  "rexec recordings": ["rexec recordings", "rexec recordings ls --json"],
  "rexec recordings ls": ['rexec recordings ls --filter "session:main state:ended"', "rexec recordings ls -o name"],
  "rexec recordings get": ["rexec recordings get 5e1f6a8e-3c0f-4a3b-9f43-2f1d4c6f7a10"],
  "rexec recordings start": ["rexec recordings start box", "rexec recordings start box --session split-1"],
  "rexec recordings stop": ["rexec recordings stop 5e1f6a8e-3c0f-4a3b-9f43-2f1d4c6f7a10"],
  "rexec recordings cat": ["rexec recordings cat 5e1f6a8e-3c0f-4a3b-9f43-2f1d4c6f7a10 > box.cast"],
  "rexec recordings rm": ["rexec recordings rm 5e1f6a8e-3c0f-4a3b-9f43-2f1d4c6f7a10 --yes"],
  "rexec play": [
    "rexec play 5e1f6a8e-3c0f-4a3b-9f43-2f1d4c6f7a10",
    "rexec play box.cast --speed 4",
    "rexec play box.cast --real-time",
  ],
  "rexec sessions kill": ["rexec sessions kill box main", "rexec sessions kill box main --yes"],
  "rexec share": ["rexec share box", "rexec share box --type --expires 15m --max-viewers 1"],
  "rexec shares": ["rexec shares ls", "rexec shares revoke 11111111-1111-4111-8111-111111111111"],
  "rexec shares ls": ["rexec shares ls -o wide", 'rexec shares ls --filter "live:false"'],
  "rexec shares revoke": ["rexec shares revoke 11111111-1111-4111-8111-111111111111"],
  "rexec join": ["rexec join", "rexec join --watch < link"],
  "rexec admin": ["rexec admin", "rexec admin --readonly --context prod"],
  "rexec token": ["rexec token create ci --scope read --expires 30d", "rexec token ls"],
  "rexec token create": [
    "rexec token create ci --scope read --expires 30d",
    "rexec token create box --scope agent --agent 11111111-1111-4111-8111-111111111111",
  ],
  "rexec token rotate": ["rexec token rotate 11111111-1111-4111-8111-111111111111 --overlap 1h"],
  "rexec token ls": ["rexec token ls --filter revoked:false -o wide"],
  "rexec token revoke": ["rexec token revoke 11111111-1111-4111-8111-111111111111"],
  "rexec limits": ["rexec limits", "rexec limits --watch"],
  "rexec users": ["rexec users ls", "rexec users update ana@example.com --plan pro"],
  "rexec users ls": ['rexec users ls --filter "plan:free admin:false"', 'rexec users ls --order "created_at desc"'],
  "rexec users create": ["rexec users create ana@example.com --plan pro"],
  "rexec users update": ["rexec users update ana@example.com --plan pro --subscription active"],
  "rexec users rm": ["rexec users rm ana@example.com", "rexec users rm ana@example.com --yes"],
  "rexec events": [
    "rexec events --limit 20",
    'rexec events -f --filter "type:agent.*"',
    "rexec events -f --limit 0 -o jsonl",
  ],
  "rexec instances": ["rexec instances ls", "rexec instances drain server-1"],
  "rexec instances ls": ["rexec instances ls -o wide", "rexec instances ls --watch"],
  "rexec instances drain": ["rexec instances drain server-1 --yes"],
  "rexec mfa": ["rexec mfa enroll", "rexec mfa confirm", "rexec mfa verify box"],
  "rexec mfa status": ["rexec mfa status", "rexec mfa status box"],
  "rexec mfa enroll": ["rexec mfa enroll", "rexec mfa enroll --json > second-factor.json"],
  "rexec mfa confirm": ["rexec mfa confirm"],
  "rexec mfa disable": ["rexec mfa disable"],
  "rexec mfa verify": ["rexec mfa verify box", "rexec mfa verify box < code"],
  "rexec doctor": ["rexec doctor", "rexec doctor --json"],
  "rexec completion": [
    "rexec completion bash > ~/.local/share/bash-completion/completions/rexec",
    'rexec completion zsh > "${fpath[1]}/_rexec"',
    "rexec completion fish > ~/.config/fish/completions/rexec.fish",
  ],
  "rexec version": ["rexec version", "rexec version --json"],
};

export function addExamples(program: Command): void {
  for (const { path, command } of visibleCommands(program)) {
    const examples = EXAMPLES[path];
    if (examples === undefined) continue;
    command.addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`);
  }
}
