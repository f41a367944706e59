/** Secrets are made once, kept for their owner only, and never replaced silently. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadSecrets } from '../../stack/secrets.ts'

describe('loadSecrets', () => {
  let dataDir: string
  const load = (jwtSecret?: string) => loadSecrets({ dataDir, jwtSecret, encryptionKey: undefined })
  beforeEach(() => {
    dataDir = join(mkdtempSync(join(tmpdir(), 'howdah-secrets-')), 'data')
  })
  afterEach(() => rmSync(join(dataDir, '..'), { recursive: true }))

  it('makes them once, with mode 0600, different in every folder', () => {
    const first = load()
    expect(statSync(join(dataDir, 'secrets.json')).mode & 0o777).toBe(0o600)
    expect(load()).toEqual(first)
    expect(new Set(Object.values(first)).size).toBe(Object.keys(first).length)
    const elsewhere = loadSecrets({
      dataDir: join(dataDir, 'other'),
      jwtSecret: undefined,
      encryptionKey: undefined,
    })
    expect(elsewhere.jwt_secret).not.toBe(first.jwt_secret)
  })

  it('prefers the environment and does not write it down', () => {
    const kept = load()
    const given = 'g'.repeat(32)
    expect(load(given)).toEqual({ ...kept, jwt_secret: given })
    expect(load()).toEqual(kept)
  })

  it('says so when the folder cannot be made (data_folder_unreachable)', () => {
    dataDir = join(dataDir, '..', 'file', 'below')
    writeFileSync(join(dataDir, '..'), 'not a folder')
    expect(() => load()).toThrow(expect.objectContaining({ code: 'data_folder_unreachable' }))
    dataDir = join(dataDir, '..')
    expect(() => load()).toThrow(expect.objectContaining({ code: 'data_folder_unreachable' }))
  })

  it('refuses a damaged file instead of making new secrets (settings_invalid)', () => {
    load()
    writeFileSync(join(dataDir, 'secrets.json'), '{"jwt_secret": "short"}')
    expect(() => load()).toThrow(/secrets\.json cannot be read/)
  })
})
