/** Where the console begins: the address says which page. What a page asks the server for is asked while it loads. */
import "@bellwire/react/ui.css";
import "./console.css";
import "./parts.css";
import "./theme.js";
import { showMissing } from "./missing.js";
import { loadEarly } from "./report/load.js";

const path = location.pathname.replace(/\/$/, "");

function loadPage(): Promise<unknown> {
  if (path.endsWith("/check")) return import("./check/main.js");
  if (!path.endsWith("/report")) return import("./dashboard/main.js");
  loadEarly();
  return import("./report/main.js");
}

loadPage().catch(showMissing);
