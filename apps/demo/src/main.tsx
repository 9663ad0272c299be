/** Where the page begins. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@bellwire/react/ui.css";
import "./demo.css";
import "./forms.css";
import { App } from "./App.js";
import { askSocketPath, readSettings } from "./settings.js";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");
const settings = { ...readSettings(new URL(location.href)), socketPath: await askSocketPath() };
createRoot(root).render(
  <StrictMode>
    <App settings={settings} />
  </StrictMode>,
);
