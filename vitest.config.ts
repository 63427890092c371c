import { defineConfig } from 'vitest/config'

// Suites by what they need: `unit` nothing, `door` time (fuzzing, soak, clients), `forge` a real forge
// (`npm run labs`), `engine` a Docker engine (scripts/test.ts brings one), `engine-new` the
// laboratory of the newest engine: `node scripts/labs.ts run engine-new -- vitest run --project engine-new`.
/** How long a test looks for what has to come: no statement about speed, and busy machines are slow. */
const expect = { poll: { timeout: 20_000 } }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['tests/unit/**/*.test.ts', 'tests/guest/**/*.test.ts'],
          expect,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'door',
          include: ['tests/fuzz/**/*.test.ts', 'tests/soak/**/*.test.ts', 'tests/clients/**/*.test.ts'],
          expect,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxConcurrency: 2,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'forge',
          include: ['tests/forge/**/*.test.ts'],
          expect,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'engine',
          include: ['tests/engine/**/*.test.ts'],
          expect,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'engine-new',
          include: [
            'tests/engine/docker/**/*.test.ts',
            'tests/engine/conformance/**/*.test.ts',
            // Starts an engine of its own, with other settings: half a minute.
            ...(process.env['BOT_BOTTLE_LONG'] === '1' ? ['tests/engine-new/**/*.test.ts'] : []),
          ],
          globalSetup: ['tests/engine-new/setup.ts'],
          expect,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
