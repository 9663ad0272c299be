import { defineConfig } from "vitest/config";

// Black-box tests: each file starts servers of its own, so that files can run side by side on two cores.
export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 60_000,
    maxWorkers: process.argv.some((argument) => argument.includes("e2e")) ? 1 : 2,
    include: ["**/*.test.ts"],
    globalSetup: ["lib/database.ts"],
  },
});
