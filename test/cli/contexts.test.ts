// The servers that one has logged in to: listed, chosen, forgotten. No server is needed for it.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { CliHome } from "../support/cli.ts";

let home: CliHome;

beforeEach(async () => {
  home = await CliHome.make();
  await mkdir(home.configDir, { recursive: true });
  const contexts = ["one", "two"].map(
    (name) => `  ${name}:\n    host: https://${name}.example\n    grpc: ${name}:7071\n`,
  );
  await writeFile(join(home.configDir, "config.yaml"), `current_context: one\ncontexts:\n${contexts.join("")}`);
  await writeFile(join(home.configDir, "credentials.json"), JSON.stringify({ tokens: { one: "secret-1", two: "x" } }));
});

afterEach(async () => {
  await home.close();
});

it("lists them, and which is meant", async () => {
  const { stdout } = await home.run(["context"]);
  expect(stdout).toBe(
    "   NAME  SERVER               TOKEN\n*  one   https://one.example  yes\n   two   https://two.example  yes\n",
  );
  expect(JSON.parse((await home.run(["context", "ls", "--json"])).stdout)).toEqual([
    { name: "one", current: true, server: "https://one.example", grpc: "one:7071", has_token: true },
    { name: "two", current: false, server: "https://two.example", grpc: "two:7071", has_token: true },
  ]);
});

it("makes another one the current one", async () => {
  expect(await home.run(["context", "use", "two"])).toMatchObject({ code: 0, stdout: "" });
  expect((await home.run(["context", "ls"])).stdout).toMatch(/\n\* +two /);
});

it("forgets one and its token", async () => {
  expect(await home.run(["context", "rm", "one"])).toMatchObject({
    code: 0,
    stderr: "forgot one\n`rexec context use NAME` makes another the current one\n",
  });
  expect((await home.run(["context", "ls", "-o", "name"])).stdout).toBe("two\n");
  const credentials = await readFile(join(home.configDir, "credentials.json"), "utf8");
  expect(JSON.parse(credentials)).toEqual({ tokens: { two: "x" } });
});

it.each(["use", "rm"])("%s says which there are where it is not one of them", async (command) => {
  expect(await home.run(["context", command, "three"])).toMatchObject({
    code: 2,
    stderr: "rexec: no context named three\n  try: known: one, two\n",
  });
});
