import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const client = (path: string) => fileURLToPath(new URL(`../client/src/${path}`, import.meta.url));

export default defineConfig({
  // The client's sources, so that tests need no build before.
  resolve: {
    alias: [
      { find: "@bellwire/client/recording", replacement: client("recording/index.ts") },
      { find: "@bellwire/client", replacement: client("index.ts") },
    ],
  },
  test: { include: ["tests/**/*.test.{ts,tsx}"], environment: "happy-dom" },
});
