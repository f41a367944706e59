/** Old servers are refused, servers with known holes are named. */
import { describe, expect, it } from 'vitest'
import { judgeVersion } from '../../stack/server-version.ts'

describe('judgeVersion', () => {
  it.each([
    [180_004, '18.4', undefined],
    [180_003, '18.3', /18\.3 is older than 18\.4/],
    [150_018, '15.18', undefined],
    [150_017, '15.17', /15\.17 is older than 15\.18/],
    [160_001, '16.1', undefined],
  ])('reads %i as %s', (number, text, warning) => {
    const version = judgeVersion(number)
    expect(version.text).toBe(text)
    if (warning) expect(version.warning).toMatch(warning)
    else expect(version.warning).toBeUndefined()
  })

  it('refuses what is older than 15 (server_unreachable)', () => {
    expect(() => judgeVersion(140_020)).toThrow(/Postgres 14\.20; Howdah needs 15 or later/)
  })
})
