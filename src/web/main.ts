// The page's beginning.

import { App } from "./app.ts";

new App().start(document.body);
