/** npm run test:nightly: every check that takes minutes, one after the other; fails when one of them has failed. */
import { spawnSync } from 'node:child_process'

/** Scripts of package.json. Each prints its figures and ends with an exit code. */
const SCRIPTS = [
  'test:sessions',
  'test:isolation',
  'test:backup',
  'test:deadlines',
  'test:erasure',
  'test:mutation',
  'test:tamper',
  'gdpr:drill',
]

const failed = SCRIPTS.filter((script) => {
  console.log(`\n── npm run ${script}`)
  return spawnSync('npm', ['run', script], { stdio: 'inherit' }).status !== 0
})
console.log(
  failed.length === 0 ? `\nAll ${SCRIPTS.length} nightly scripts passed.` : `\nFailed: ${failed.join(', ')}.`,
)
process.exitCode = failed.length === 0 ? 0 : 1
