import { defineConfig } from 'vitest/config'

// Suites by what they need: `unit` nothing, `engine` a Docker engine (scripts/test.ts brings one).
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['tests/unit/**/*.test.ts', 'tests/guest/**/*.test.ts'] } },
      {
        test: {
          name: 'engine',
          include: ['tests/engine/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
