/** The dashboard. */
import { show } from "../show.js";
import { DashboardPage } from "./DashboardPage.js";

show(DashboardPage);
