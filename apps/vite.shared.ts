// What the pages' builds have in common.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import type { BuildEnvironmentOptions, Plugin, ServerOptions } from "vite";

/** Files of more than this many bytes get siblings that are compressed already; the server sends those. */
const WORTH_COMPRESSING = 1024;

export function compressed(): Plugin {
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

export const build: BuildEnvironmentOptions = {
  target: "baseline-widely-available",
  cssTarget: ["chrome123", "firefox120", "safari17.5"],
  assetsInlineLimit: 0,
};

const bellwire = process.env.BELLWIRE_URL ?? "http://127.0.0.1:8080";

/** The server that answers under /api and /socket.io while `npm run dev` serves the page. */
export const server: ServerOptions = {
  proxy: { "/api": bellwire, "/socket.io": { target: bellwire, ws: true } },
};
