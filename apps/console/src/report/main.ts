/** The report of a call. */
import "uplot/dist/uPlot.min.css";
import { show } from "../show.js";
import { ReportPage } from "./ReportPage.js";

show(ReportPage);
