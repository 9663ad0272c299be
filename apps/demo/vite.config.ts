import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { build, compressed, server } from "../vite.shared";

const repository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** While one works on the page, the packages are taken from their sources, so that an edit there is seen at once. */
const sources = [
  { find: "@bellwire/react/ui.css", replacement: repository("packages/react/src/ui/styles/index.css") },
  { find: "@bellwire/react/ui", replacement: repository("packages/react/src/ui/index.ts") },
  { find: "@bellwire/react", replacement: repository("packages/react/src/index.ts") },
  { find: "@bellwire/client/recording", replacement: repository("packages/client/src/recording/index.ts") },
  { find: "@bellwire/client", replacement: repository("packages/client/src/index.ts") },
];

/** The page links to the read-me, so it brings it along. */
function readme(): Plugin {
  return {
    name: "bellwire:readme",
    apply: "build",
    async generateBundle() {
      this.emitFile({ type: "asset", fileName: "README.txt", source: await readFile(repository("README.md")) });
    },
  };
}

export default defineConfig(({ command }) => ({
  plugins: [readme(), compressed()],
  resolve: { alias: command === "serve" ? sources : [] },
  build,
  server,
}));
