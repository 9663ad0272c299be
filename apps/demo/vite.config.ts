import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

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

/** Files of more than this many bytes get siblings that are compressed already; the server sends those. */
const WORTH_COMPRESSING = 1024;

function compressed(): Plugin {
  return {
    name: "bellwire:compressed",
    apply: "build",
    async writeBundle({ dir = "dist" }, bundle) {
      for (const name of Object.keys(bundle).filter((file) => /\.(js|css|html|txt)$/.test(file))) {
        const bytes = await readFile(join(dir, name));
        if (bytes.length < WORTH_COMPRESSING) continue;
        await writeFile(join(dir, `${name}.br`), await promisify(brotliCompress)(bytes));
        await writeFile(join(dir, `${name}.gz`), await promisify(gzip)(bytes, { level: 9 }));
      }
    },
  };
}

/** The server that answers under /api and /socket.io while `npm run dev` serves the page. */
const server = process.env.BELLWIRE_URL ?? "http://127.0.0.1:8080";

export default defineConfig(({ command }) => ({
  plugins: [readme(), compressed()],
  resolve: { alias: command === "serve" ? sources : [] },
  build: {
    target: "baseline-widely-available",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/api": server, "/socket.io": { target: server, ws: true } } },
}));
