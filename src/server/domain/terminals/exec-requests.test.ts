import { expect, it } from "vitest";
import type { ControlMessage } from "../../../protocol/control-frame.ts";
import { EXEC_TIMEOUT_MS, ExecRequests } from "./exec-requests.ts";
import type { Viewer } from "./viewer.ts";

function viewer(): { viewer: Viewer; told: ControlMessage[] } {
  const told: ControlMessage[] = [];
  const link = { sendControl: (message: ControlMessage) => void told.push(message) };
  return { viewer: { state: "attached", link } as unknown as Viewer, told };
}

it("a result goes to the viewer who asked, once, and to nobody else", () => {
  const requests = new ExecRequests();
  const [one, two] = [viewer(), viewer()];
  const id = requests.add(one.viewer, "date", 0) ?? "";
  requests.add(two.viewer, "date", 0);
  const value = { execId: id, command: "date", output: "now", success: true, error: "" };
  requests.deliver(value);
  requests.deliver(value);
  expect(one.told).toEqual([{ $case: "execResult", value }]);
  expect(two.told).toEqual([]);
});

it("an agent that never answers keeps no place for ever, and the viewer is told", () => {
  const requests = new ExecRequests();
  const { viewer: asker, told } = viewer();
  while (requests.add(asker, "sleep 99", 0) !== undefined);
  requests.expire(EXEC_TIMEOUT_MS - 1);
  expect(told).toEqual([]);
  expect(requests.add(asker, "true", EXEC_TIMEOUT_MS - 1)).toBeUndefined();
  requests.expire(EXEC_TIMEOUT_MS);
  expect(told[0]).toMatchObject({ value: { command: "sleep 99", success: false, error: "the agent did not answer" } });
  expect(requests.add(asker, "true", EXEC_TIMEOUT_MS)).toBeDefined();
});
