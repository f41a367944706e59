/** What takes minutes: `npm run test:sessions`, `npm run test:isolation`, `npm run test:mutation`; `npm run test:nightly` runs everything of the kind. */
import { defineConfig, mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

const nightly = mergeConfig(
  base,
  defineConfig({ test: { maxWorkers: 1, testTimeout: 600_000, hookTimeout: 120_000 } }),
)
// A merge would add to the list.
nightly.test = { ...nightly.test, include: ['test/**/*.nightly.ts'] }
export default nightly
