/** Tests run on a real Postgres and a real PostgREST; test/setup/global.ts starts what they need once a run. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/global.ts'],
    // Processes, not threads: Linux ties a child's life to the thread that started it (stack/process/guarded-spawn.ts).
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 15_000,
  },
})
