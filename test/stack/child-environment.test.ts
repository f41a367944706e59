/** What the stack's children inherit. */
import { expect, test } from 'vitest'
import { childEnvironment } from '../../stack/process/child-environment.ts'

const SHELL = {
  PATH: '/bin',
  HOWDAH_DATA_DIR: '/data',
  PGOPTIONS: '-c role=postgres',
  PGRST_DB_URI: 'postgres://elsewhere/',
  HOWDAH_DATABASE_URL: 'postgres://postgres:pw@db/howdah',
  HOWDAH_JWT_SECRET: 'signs every token of this stack, 32+',
  HOWDAH_ENCRYPTION_KEY: 'opens what the database keeps sealed',
  HOWDAH_SMTP_URL: 'smtp://user:pw@mail',
  HOWDAH_SUPERUSER_PASSWORD: 'pw',
}

test('children get neither what steers libpq or PostgREST nor the secrets of the stack', () => {
  expect(childEnvironment(SHELL)).toEqual({ PATH: '/bin', HOWDAH_DATA_DIR: '/data' })
})

test('what a child needs is handed to it by name', () => {
  const extra = { HOWDAH_ENCRYPTION_KEY: 'its own', PGRST_DB_URI: 'ours' }
  expect(childEnvironment(SHELL, extra)).toEqual({ PATH: '/bin', HOWDAH_DATA_DIR: '/data', ...extra })
})
