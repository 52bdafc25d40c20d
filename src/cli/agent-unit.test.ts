// Paths of any kind in units and property lists.
import { describe, expect, it } from "vitest";
import { type AgentUnit, launchdPlist, MARK, systemdUnit } from "./agent-unit.ts";

const unit: AgentUnit = {
  scope: "user",
  argv: ["/opt/my node/bin/node", '/home/50%/"$HOME"/rexec.js', "agent", "run"],
  env: { REXEC_CONFIG: "/home/a&b/50%/$x/config.yaml" },
  logFile: "/Users/a/<log>",
};

describe("a systemd unit", () => {
  it("quotes what systemd would read otherwise", () => {
    const lines = systemdUnit(unit).split("\n");
    expect(lines).toContain('ExecStart="/opt/my node/bin/node" "/home/50%%/\\"$$HOME\\"/rexec.js" "agent" "run"');
    // Variables are not replaced there.
    expect(lines).toContain('Environment="REXEC_CONFIG=/home/a&b/50%%/$x/config.yaml"');
  });

  it("of a user starts with the user's session, one of the machine with the machine", () => {
    expect(systemdUnit(unit)).toContain("WantedBy=default.target");
    expect(systemdUnit({ ...unit, scope: "system" })).toContain("WantedBy=multi-user.target");
  });

  it("says who wrote it", () => {
    expect(systemdUnit(unit)).toContain(MARK);
    expect(launchdPlist(unit)).toContain(MARK);
  });
});

it("a property list is XML whatever the paths are", () => {
  const text = launchdPlist(unit);
  expect(text).toContain("<string>/home/a&amp;b/50%/$x/config.yaml</string>");
  expect(text).toContain("<string>/Users/a/&lt;log&gt;</string>");
  expect(text.match(/<(array|dict|plist)/g)?.length).toBe(text.match(/<\/(array|dict|plist)>/g)?.length);
});
