/** What is too long for every push: `npm run test:mutation`. Set up as the other tests are. */
import { defineConfig, mergeConfig } from 'vitest/config'
import tests from './vitest.config.ts'

const nightly = mergeConfig(tests, defineConfig({ test: { hookTimeout: 120_000 } }))

export default { ...nightly, test: { ...nightly.test, include: ['test/**/*.nightly.ts'] } }
