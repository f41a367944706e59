/**
 * Runs once before all test files: starts or finds the server, provisions the template database, and cleans up.
 * HOWDAH_TEST_STACK=testcontainers takes the images docker-compose.yml names; HOWDAH_DATABASE_URL takes that server;
 * otherwise the embedded Postgres serves from a throwaway folder. Never one in place of another.
 */
import { randomBytes } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import { makeSecrets } from '../../stack/secrets.ts'
import { readSettings } from '../../stack/settings.ts'
import { isStackError, StackError } from '../../stack/stack-error.ts'
import type { ApiSource } from './context.ts'
import { startContainers } from './server-containers.ts'
import { startEmbedded } from './server-embedded.ts'
import { useServer } from './server-url.ts'
import { dropDatabases, provisionTemplate } from './template.ts'

/** A server the tests may use, and how to leave it. */
export type StartedServer = { adminUrl: string; api: ApiSource; stop(): Promise<void> }

/** Called by vitest, which shows an error's message only: so the remedy is added to it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  try {
    return await prepare(project)
  } catch (error) {
    if (!isStackError(error)) throw error
    throw new Error(`No test was run. ${error.message}\n→ ${error.hint}`, { cause: error })
  }
}

async function prepare(project: TestProject): Promise<() => Promise<void>> {
  const secrets = makeSecrets()
  const prefix = `howdah_test_${randomBytes(4).toString('hex')}`
  const server = await startServer(secrets)
  try {
    const target = { adminUrl: server.adminUrl, database: `${prefix}_template`, secrets }
    await provisionTemplate(target)
    project.provide('howdah', {
      adminUrl: server.adminUrl,
      template: target.database,
      prefix,
      secrets,
      api: server.api,
    })
  } catch (error) {
    await dropDatabases(server.adminUrl, prefix).catch(() => {})
    await server.stop()
    throw error
  }
  return async () => {
    await dropDatabases(server.adminUrl, prefix)
    await server.stop()
  }
}

async function startServer(secrets: ReturnType<typeof makeSecrets>): Promise<StartedServer> {
  const settings = readSettings(process.env)
  const stack = process.env['HOWDAH_TEST_STACK'] || 'embedded'
  if (stack === 'testcontainers') return startContainers(settings, secrets)
  if (stack !== 'embedded') {
    throw new StackError(
      'settings_invalid',
      `HOWDAH_TEST_STACK ("${stack}") names no way to run the tests.`,
      'Leave it empty for the embedded stack, or write testcontainers.',
    )
  }
  return settings.databaseUrl ? useServer(settings, settings.databaseUrl) : startEmbedded(settings, secrets)
}
