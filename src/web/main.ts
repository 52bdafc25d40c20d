// The page's beginning: who comes by the link of a share sees that, everybody else logs in.

import { App } from "./app.ts";
import { takeShareSecret } from "./share-address.ts";
import { SharedPage } from "./shared-page.ts";

let shown: App | SharedPage | undefined;

function show(): void {
  const secret = takeShareSecret(location, history);
  // A link that is opened in a page that is there already only changes the address.
  if (shown !== undefined && secret === undefined) return;
  shown?.leave();
  shown = secret === undefined ? new App() : new SharedPage(secret);
  shown.start(document.body);
}

window.addEventListener("hashchange", show);
show();
