/** Where the console begins: the address says which page. What a page asks the server for is asked while it loads. */
import "@bellwire/react/ui.css";
import "./console.css";
import "./parts.css";
import { loadEarly } from "./report/load.js";

const path = location.pathname.replace(/\/$/, "");

if (path.endsWith("/report")) {
  loadEarly();
  void import("./report/main.js");
} else if (path.endsWith("/check")) void import("./check/main.js");
else void import("./dashboard/main.js");
