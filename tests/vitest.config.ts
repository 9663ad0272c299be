import { defineConfig } from "vitest/config";

// Black-box tests: each file starts servers of its own, so that files can run side by side on two cores.
export default defineConfig({
  test: {
    // Nothing passes or fails by these: on a busy machine, or with a sanitizer, all takes longer.
    testTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
    maxWorkers: process.argv.some((argument) => argument.includes("e2e")) ? 1 : 2,
    include: ["**/*.test.ts"],
    globalSetup: ["lib/database.ts"],
  },
});
