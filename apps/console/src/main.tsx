/** Where the console begins: the address says which page. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@bellwire/react/ui.css";
import "uplot/dist/uPlot.min.css";
import "./console.css";
import "./parts.css";
import { CheckPage } from "./check/CheckPage.js";
import { DashboardPage } from "./dashboard/DashboardPage.js";
import { ReportPage } from "./report/ReportPage.js";

const PAGES = { report: ReportPage, check: CheckPage, dashboard: DashboardPage };

function pageOf(path: string) {
  if (path.endsWith("/report")) return PAGES.report;
  return path.endsWith("/check") ? PAGES.check : PAGES.dashboard;
}

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");
const Page = pageOf(location.pathname.replace(/\/$/, ""));
createRoot(root).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
