/** The environment is refused with the variable's name, its problem and the remedy. */
import { describe, expect, it } from 'vitest'
import { readSettings } from '../../stack/settings.ts'

describe('readSettings', () => {
  it.each([
    [
      'HOWDAH_API_PORT',
      '70000',
      /HOWDAH_API_PORT \("70000"\) is not a port; write a number between 1 and 65535/,
    ],
    ['HOWDAH_DB_PORT', '54x', /HOWDAH_DB_PORT \("54x"\) is not a whole number/],
    [
      'HOWDAH_JWT_SECRET',
      'too short for this',
      /HOWDAH_JWT_SECRET is shorter than 32 bytes; make one with: openssl/,
    ],
    ['HOWDAH_ENCRYPTION_KEY', 'x'.repeat(31), /HOWDAH_ENCRYPTION_KEY is shorter than 32 bytes/],
    [
      'HOWDAH_DATABASE_URL',
      'localhost:5432',
      /HOWDAH_DATABASE_URL is not a URL this understands; write it like postgres:/,
    ],
    ['HOWDAH_SMTP_URL', 'http://mail', /HOWDAH_SMTP_URL is not a URL this understands; write it like smtp:/],
  ])('refuses %s=%s (settings_invalid)', (name, value, sentence) => {
    expect(() => readSettings({ [name]: value })).toThrow(sentence)
    expect(() => readSettings({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'settings_invalid' }),
    )
  })

  it('tells every problem at once and repeats no secret', () => {
    const read = () => readSettings({ HOWDAH_API_PORT: '0', HOWDAH_JWT_SECRET: 'hunter2' })
    expect(read).toThrow(/HOWDAH_API_PORT[\s\S]*HOWDAH_JWT_SECRET/)
    expect(read).not.toThrow(/hunter2/)
  })

  it('counts bytes of a secret, not characters', () => {
    expect(readSettings({ HOWDAH_JWT_SECRET: 'ü'.repeat(16) }).jwtSecret).toHaveLength(16)
    expect(() => readSettings({ HOWDAH_JWT_SECRET: 'ü'.repeat(15) })).toThrow(/shorter than 32 bytes/)
  })

  it('takes an empty variable as not set and a relative folder from the checkout', () => {
    const settings = readSettings({ HOWDAH_DATABASE_URL: '', HOWDAH_DATA_DIR: 'x/y' }, '/somewhere')
    expect(settings.databaseUrl).toBeUndefined()
    expect(settings.dataDir).toBe('/somewhere/x/y')
  })
})
