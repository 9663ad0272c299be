/** The page /check. */
import { show } from "../show.js";
import { CheckPage } from "./CheckPage.js";

show(CheckPage);
