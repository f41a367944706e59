/** JSON for machines, short lines for people, errors whole. */
import { expect, test } from 'vitest'
import { createLog, libraryLogger } from '../../../worker/log.ts'
import { readWorkerSettings } from '../../../worker/settings.ts'
import { WorkerError } from '../../../worker/worker-error.ts'

function logTo(isTTY: boolean) {
  const lines: string[] = []
  return { lines, log: createLog({ isTTY, write: (line) => lines.push(line) }) }
}

test('one JSON object a line, errors with their key and stack', () => {
  const { lines, log } = logTo(false)
  log.error('failed\nbadly', { task: 'a/b', error: new WorkerError('feed_timeout', 'Too slow.') })
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'error',
    message: 'failed\nbadly',
    task: 'a/b',
    error: { key: 'feed_timeout', message: 'Too slow.', stack: expect.stringContaining('log.test.ts') },
  })
})

test('a short line at a terminal', () => {
  const { lines, log } = logTo(true)
  log.warn('source failed', { key: 'feed_timeout', count: 2 })
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d WARN source failed key=feed_timeout count=2\n$/)
})

test('nothing after mute; of the library warnings and errors only', () => {
  const { lines, log } = logTo(false)
  const library = libraryLogger(log)
  library.info('chatter')
  library.error('Failed task 1', {
    job: { id: '1', task_identifier: 'a/b', payload: { secret: 's' } },
    error: new Error('x'),
  })
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: 'error', job: '1', task: 'a/b' }])
  expect(lines.join()).not.toContain('secret')
  log.mute()
  log.error('more')
  expect(lines).toHaveLength(1)
})

test.each([
  [{}, /HOWDAH_WORKER_DATABASE_URL is not set/],
  [{ HOWDAH_WORKER_DATABASE_URL: 'mysql://x' }, /is no Postgres URL/],
  [
    { HOWDAH_WORKER_DATABASE_URL: 'postgres://u:geheim@h/d', HOWDAH_WORKER_CONCURRENCY: '0' },
    /HOWDAH_WORKER_CONCURRENCY/,
  ],
  [
    { HOWDAH_WORKER_DATABASE_URL: 'postgres://u:geheim@h/d', HOWDAH_FETCH_ALLOW: 'a b' },
    /HOWDAH_FETCH_ALLOW/,
  ],
])('the environment %j is refused (settings_invalid)', (env, message) => {
  const refused = () => readWorkerSettings(env)
  expect(refused).toThrow(
    expect.objectContaining({ key: 'settings_invalid', message: expect.stringMatching(message) }),
  )
  expect(refused).not.toThrow(/geheim/)
})
