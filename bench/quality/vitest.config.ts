import { defineConfig } from "vitest/config";

// Run by bench/quality.bench.mjs in the folder of the tests, whose helpers it uses.
export default defineConfig({
  test: { include: ["../bench/quality/*.figures.ts"], testTimeout: 600_000, hookTimeout: 120_000 },
});
