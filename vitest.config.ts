import { defineConfig } from "vitest/config";

// One fork per file: the addon and its streams belong to a process, and two cores are enough for two files at a time.
export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
