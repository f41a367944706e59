/** The longest a crontab lets each task rest. */
import { parseCrontab } from 'graphile-worker'
import { expect, test } from 'vitest'
import { cronPeriods } from '../../../worker/running/cron-periods.ts'

test('the longest gap between two turns, of the line that comes most often', () => {
  const items = parseCrontab(
    [
      '* * * * * a/minutely',
      '*/25 * * * * a/uneven',
      '17 0 * * * a/daily',
      '0 3 * * 1 a/weekly',
      '0 3 1 * * a/monthly',
      '0 3 * * 1 a/twice ?id=one',
      '0 3 * * * a/twice ?id=two',
      '0 0 29 2 * a/leap',
    ].join('\n'),
  )
  expect(cronPeriods(items, new Date('2026-11-20T17:00:00Z'))).toEqual({
    'a/minutely': 60,
    'a/uneven': 25 * 60,
    'a/daily': 86_400,
    'a/weekly': 7 * 86_400,
    'a/monthly': 31 * 86_400,
    'a/twice': 86_400,
    'a/leap': 63 * 86_400,
  })
})
