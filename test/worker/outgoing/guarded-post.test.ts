/** What is told of a POST that never left: its host at most, for the rest of the address may be a key. */
import { expect, test } from 'vitest'
import { ALLOW_NOTHING } from '../../../worker/outgoing/fetch-allow.ts'
import { guardedPost } from '../../../worker/outgoing/guarded-post.ts'

test.each([
  'https://hooks.example:99999/T0/very-secret',
  'https://[::1/very-secret',
  'https://127.0.0.1/very-secret',
  'https://ada:very-secret@hooks.example/',
])('%s', async (url) => {
  const post = guardedPost({ allow: ALLOW_NOTHING })
  const result = await post({ url, headers: {}, body: Buffer.from('') }, new AbortController().signal)
  expect(result.kind).toBe('not_sent')
  expect(JSON.stringify(result)).not.toContain('very-secret')
})
