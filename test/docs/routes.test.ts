// docs/operations.md names the routes that there are, with who may use them.
import { expect, it } from "vitest";
import { ROUTES } from "../../src/server/transports/http/routes.ts";
import { readDocument, sectionOf, tableRows } from "./markdown.ts";

it("the table of routes in docs/operations.md is the server's", () => {
  const said = tableRows(sectionOf(readDocument("docs/operations.md"), "## Scripts over HTTP"));
  const served = ROUTES.filter(({ path }) => path.startsWith("/api/"));
  const line = (route: string, access: string) => `${route} ${access}`;
  expect(said.map(([route = "", scope = ""]) => line(route.replaceAll("`", ""), scope)).sort()).toEqual(
    served.map(({ method, path, access }) => line(`${method} ${path}`, access)).sort(),
  );
});
