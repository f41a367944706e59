/** The credentials of phones: all or none, and a file that is something else is named before the worker starts. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ALLOW_NOTHING } from '../../../worker/outgoing/fetch-allow.ts'
import { openPhoneConnectors } from '../../../worker/push/phone-connectors.ts'
import { readWorkerSettings } from '../../../worker/settings.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'howdah-phones-'))
  await writeFile(
    join(folder, 'google.json'),
    JSON.stringify({ project_id: 'p', client_email: 'a@p.example', private_key: 'secret-key' }),
  )
  await writeFile(join(folder, 'other.json'), '{"private_key": "secret-key"}')
})
afterAll(() => rm(folder, { recursive: true }))

const DATABASE = { HOWDAH_WORKER_DATABASE_URL: 'postgres://howdah_worker@127.0.0.1/howdah' }
const APNS = {
  HOWDAH_APNS_KEY: 'key.p8',
  HOWDAH_APNS_KEY_ID: 'KEY1234567',
  HOWDAH_APNS_TEAM_ID: 'TEAM123456',
  HOWDAH_APNS_TOPIC: 'com.example.app',
}

test("of Apple's four variables one is missing, or its address is none (settings_invalid)", () => {
  expect(readWorkerSettings(DATABASE).apns).toBeUndefined()
  expect(readWorkerSettings({ ...DATABASE, ...APNS }).apns).toMatchObject({
    topic: 'com.example.app',
    url: 'https://api.push.apple.com',
  })
  for (const name of Object.keys(APNS)) {
    expect(() => readWorkerSettings({ ...DATABASE, ...APNS, [name]: '' })).toThrow(
      /some HOWDAH_APNS_\* are set/,
    )
  }
  const wrong = { ...DATABASE, ...APNS, HOWDAH_APNS_URL: 'http://api.push.apple.com' }
  expect(() => readWorkerSettings(wrong)).toThrow(/HOWDAH_APNS_URL is no https address/)
})

test('connectors are there for what credentials were given for', async () => {
  using none = await openPhoneConnectors({ allow: ALLOW_NOTHING, fcmCredentials: undefined, apns: undefined })
  expect([none.android, none.ios]).toEqual([undefined, undefined])
  const fcmCredentials = join(folder, 'google.json')
  using android = await openPhoneConnectors({ allow: ALLOW_NOTHING, fcmCredentials, apns: undefined })
  expect([android.android, android.ios]).toEqual([expect.any(Object), undefined])
})

test.each(['other.json', 'missing.json'])(
  '%s is no service account, and its content is not repeated',
  async (name) => {
    const opening = openPhoneConnectors({
      allow: ALLOW_NOTHING,
      fcmCredentials: join(folder, name),
      apns: undefined,
    })
    await expect(opening).rejects.toMatchObject({
      key: 'settings_invalid',
      message: expect.stringMatching(/^HOWDAH_FCM_CREDENTIALS names .*\.json, which cannot be read/),
    })
    await expect(opening).rejects.not.toThrow(/secret-key/)
  },
)
