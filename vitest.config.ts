// Two projects: `unit` runs beside the code, in threads; `integration` crosses processes and ports, in forks.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.{ts,tsx}", "tools/**/*.test.ts"],
          exclude: ["src/gen/**"],
          pool: "threads",
        },
      },
      {
        test: {
          name: "integration",
          include: ["test/**/*.test.{ts,tsx}"],
          globalSetup: ["test/support/global-setup.ts"],
          pool: "forks",
          // Each file starts servers and databases of its own: two at once keep a small CI machine honest about time-outs.
          maxWorkers: 2,
          // What a machine with much to do takes longer for must still come.
          expect: { poll: { timeout: 20_000 } },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
