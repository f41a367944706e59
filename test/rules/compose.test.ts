/** The lint of docker-compose.yml bites, and what deploy/ holds does what it says. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { deploymentTarget } from '../../deploy/deployment-target.ts'
import { workerLives } from '../../deploy/worker-lives.ts'
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import { readCompose } from '../check/compose/compose-file.ts'
import { composeFindings } from '../check/compose/rules.ts'
import { settingDifferences } from '../check/compose/same-settings.ts'
import { testDatabase } from '../setup/database.ts'

const read = (path: string) => readFileSync(join(PROJECT_DIR, path), 'utf8')
const COMPOSE = read('docker-compose.yml')

function findings(text: string): string[] {
  const { file, problems } = readCompose(text)
  return file ? composeFindings(file) : problems
}

describe('docker-compose.yml', () => {
  it('is valid and keeps our rules', () => {
    expect(findings(COMPOSE)).toEqual([])
    expect(Object.keys(readCompose(COMPOSE).file?.services ?? {})).toEqual([
      'postgres',
      'migrate',
      'postgrest',
      'worker',
    ])
  })

  const DEFECTS: [what: string, from: string | RegExp, to: string, finding: RegExp][] = [
    [
      'a published database port',
      '    volumes:\n      - postgres-data',
      '    ports: ["127.0.0.1:5432:5432"]\n    volumes:\n      - postgres-data',
      /publishes the database's port/,
    ],
    [
      'the same under another number',
      '    volumes:\n      - postgres-data',
      '    ports: ["127.0.0.1:15432:5432"]\n    volumes:\n      - postgres-data',
      /publishes the database's port/,
    ],
    ['values in the log', 'log_parameter_max_length=0', 'log_parameter_max_length=-1', /passwords/],
    ['an API open to the world', /- 127.0.0.1:(?=\$)/, '- ', /to the world/],
    [
      'a default password',
      /\$\{HOWDAH_SUPERUSER_PASSWORD:\?[^}]+\}/,
      `${'$'}{HOWDAH_SUPERUSER_PASSWORD:-postgres}`,
      /everybody's password/,
    ],
    [
      'a password in the file',
      /\$\{HOWDAH_SUPERUSER_PASSWORD:\?[^}]+\}/,
      'hunter2hunter2hunter2',
      /everybody's password/,
    ],
    [
      'a password in a URL',
      /\$\{HOWDAH_WORKER_PASSWORD:\?[^}]+\}@/,
      'hunter2@',
      /password in HOWDAH_WORKER_DATABASE_URL/,
    ],
    ['the newest image', 'image: postgres:18.4', 'image: postgres:latest', /another one every day/],
    ['an image without a tag', 'postgrest/postgrest:v14.17', 'postgrest/postgrest', /another one every day/],
    [
      'no healthcheck',
      / {4}healthcheck:\n {6}test: \["CMD", "node"[\s\S]*?start_period: 20s\n/,
      '',
      /worker has no healthcheck/,
    ],
    ['no restart', '    restart: unless-stopped\n', '', /whether it is restarted/],
    ['new privileges', '    - no-new-privileges:true', '    - seccomp:unconfined', /no-new-privileges/],
    ['all capabilities', 'cap_drop:\n    - ALL', 'cap_drop:\n    - SYS_ADMIN', /drop ALL/],
    ['a writable image', 'read_only: true', 'read_only: false', /read_only/],
    [
      'a privileged service',
      '    networks: [database, outgoing]',
      '    networks: [database, outgoing]\n    privileged: true',
      /privileged/,
    ],
    [
      'the network of the machine',
      '    networks: [database, outgoing]',
      '    network_mode: host',
      /shares the network/,
    ],
    [
      'the engine’s socket',
      '- postgres-data:/var/lib/postgresql',
      '- /var/run/docker.sock:/var/run/docker.sock',
      /socket/,
    ],
    ['no memory limit', '    mem_limit: 2g\n', '', /mem_limit/],
    [
      'waiting for a start only',
      'condition: service_healthy',
      'condition: service_started',
      /not for readiness/,
    ],
    ['a database that can leave', '    internal: true', '    internal: false', /leads outside/],
    ['a word the specification does not know', '    shm_size', '    shm_sze', /additional/],
    ['a wrong type', 'start_period: 20s', 'start_period: [20]', /must be/],
  ]
  it.each(DEFECTS)('finds %s', (_what, from, to, finding) => {
    const broken = COMPOSE.replace(from, () => to)
    expect(broken).not.toBe(COMPOSE)
    expect(findings(broken).join('\n')).toMatch(finding)
  })

  it('tells PostgREST what the embedded stack tells it', () => {
    const env = read('deploy/postgrest.env')
    expect(settingDifferences(env)).toEqual([])
    expect(settingDifferences(env.replace('core.check_request', 'core.pass'))).toHaveLength(1)
    expect(settingDifferences(env.replace(/^PGRST_DB_MAX_ROWS.*\n/m, ''))).toHaveLength(1)
    expect(settingDifferences(`${env}PGRST_DB_AGGREGATES_ENABLED=true\n`)).toHaveLength(1)
  })
})

describe('the variables of a deployment', () => {
  const word = 'a'.repeat(40)
  const complete = {
    HOWDAH_DATABASE_HOST: 'postgres',
    HOWDAH_SUPERUSER_PASSWORD: word,
    HOWDAH_MIGRATIONS_PASSWORD: word,
    HOWDAH_AUTHENTICATOR_PASSWORD: word,
    HOWDAH_WORKER_PASSWORD: word,
    HOWDAH_JWT_SECRET: word,
    HOWDAH_ENCRYPTION_KEY: word,
  }

  it('make the target', () => {
    expect(new URL(deploymentTarget(complete).adminUrl).hostname).toBe('postgres')
    expect(deploymentTarget(complete).secrets.worker_password).toBe(word)
  })

  it.each(Object.keys(complete))('are refused by name without %s', (name) => {
    expect(() => deploymentTarget({ ...complete, [name]: '' })).toThrow(new RegExp(`${name} is not set`))
  })

  it('are refused when short or not fit for a URL, without being repeated', () => {
    for (const value of ['tiny', 'has a space and is long enough', 'p@ssword:with/url/signs']) {
      expect(() => deploymentTarget({ ...complete, HOWDAH_WORKER_PASSWORD: value })).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(value) }),
      )
    }
  })
})

describe('the health check of the worker', async () => {
  const db = await testDatabase()
  afterAll(() => db.drop())

  it('tells a worker that holds its lock from one that is gone', async () => {
    const asker = new pg.Client({ connectionString: db.url('howdah_worker') })
    const worker = new pg.Client({
      connectionString: db.url('howdah_worker'),
      application_name: 'howdah-worker-liveness',
    })
    await Promise.all([asker.connect(), worker.connect()])
    expect(await workerLives(asker)).toBe(false)
    await worker.query(`select pg_advisory_lock(ops.worker_lock_key('pool-test'))`)
    expect(await workerLives(asker)).toBe(true)
    await worker.end()
    await expect.poll(() => workerLives(asker)).toBe(false)
    await asker.end()
  })
})
