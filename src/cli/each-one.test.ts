// Several things, each on its own.
import { describe, expect, it } from "vitest";
import { CliError, interrupted } from "./cli-error.ts";
import { settleEach, throwFailures } from "./each-one.ts";

const missing = (name: string) => new CliError("AGENT_NOT_FOUND", { message: `no agent named ${name}` });

/** "x…" is not there. */
async function done(...names: string[]) {
  const { done: well, failures } = await settleEach(
    names.map((name) => ({ name })),
    async ({ name }) => {
      if (name.startsWith("x")) throw missing(name);
      return name;
    },
  );
  throwFailures(failures, well.length, "deleted");
  return well;
}

describe("several things", () => {
  it("are all done", async () => {
    expect(await done("a", "b")).toEqual(["a", "b"]);
  });

  it("fail as one that is partial, with each failure, where some were done", async () => {
    await expect(done("a", "x1", "b", "x2")).rejects.toMatchObject({
      reason: "PARTIAL",
      exitCode: 9,
      message: "2 of 4 could not be deleted",
      failures: [
        { name: "x1", error: { reason: "AGENT_NOT_FOUND" } },
        { name: "x2", error: { reason: "AGENT_NOT_FOUND" } },
      ],
    });
  });

  it("fail with the first one's reason where none was done, and as themselves where there is but one", async () => {
    await expect(done("x1", "x2")).rejects.toMatchObject({ reason: "AGENT_NOT_FOUND", exitCode: 3 });
    await expect(done("x1")).rejects.toThrow("no agent named x1");
  });

  it("end with an interruption", async () => {
    const seen: string[] = [];
    const acting = settleEach([{ name: "a" }, { name: "b" }], ({ name }) => {
      seen.push(name);
      throw interrupted();
    });
    await expect(acting).rejects.toMatchObject({ reason: "INTERRUPTED" });
    expect(seen).toEqual(["a"]);
  });
});
