import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const packages = (path: string) => fileURLToPath(new URL(`../../packages/${path}`, import.meta.url));

/** While one works on the page, the packages are taken from their sources, so that an edit there is seen at once. */
const sources = [
  { find: "@bellwire/react/ui.css", replacement: packages("react/src/ui/styles/index.css") },
  { find: "@bellwire/react/ui", replacement: packages("react/src/ui/index.ts") },
  { find: "@bellwire/react", replacement: packages("react/src/index.ts") },
  { find: "@bellwire/client", replacement: packages("client/src/index.ts") },
];

/** The server that answers under /api and /socket.io while `npm run dev` serves the page. */
const server = process.env.BELLWIRE_URL ?? "http://127.0.0.1:8080";

export default defineConfig(({ command }) => ({
  resolve: { alias: command === "serve" ? sources : [] },
  build: {
    target: "baseline-widely-available",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/api": server, "/socket.io": { target: server, ws: true } } },
}));
