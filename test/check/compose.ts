/** `npm run check`: docker-compose.yml against the compose specification and our own rules. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import { readCompose } from './compose/compose-file.ts'
import { composeFindings } from './compose/rules.ts'
import { settingDifferences } from './compose/same-settings.ts'

const read = (path: string) => readFileSync(join(PROJECT_DIR, path), 'utf8')
const { file, problems } = readCompose(read('docker-compose.yml'))
const findings = [
  ...problems,
  ...(file ? composeFindings(file) : []),
  ...settingDifferences(read('deploy/postgrest.env')),
]

for (const finding of findings) console.error(`docker-compose.yml: ${finding}`)
const services = Object.keys(file?.services ?? {})
console.log(`compose: ${services.length} services (${services.join(', ')}): ${findings.length} findings`)
process.exitCode = findings.length > 0 || services.length === 0 ? 1 : 0
