// Lists agents, page by page: their names and states.
import { agents, call, main } from "./rexec.js";

await main(async (terms) => {
  let page_token = "";
  do {
    const request = { page_size: 2, page_token, filter: terms.join(" "), order_by: "name" };
    const page = await call(agents, "ListAgents", request);
    for (const { name, status } of page.agents) console.log(`${name} ${status}`);
    page_token = page.next_page_token;
  } while (page_token !== "");
});
