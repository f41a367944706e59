/** Patterns are translated where both languages mean the same, and refused with a reason everywhere else. */
import { afterAll, describe, expect, it } from 'vitest'
import { translatePattern } from '../../../sdk/generator/regex/translate-pattern.ts'
import { testDatabase } from '../../setup/database.ts'
import { isSeenAlike, serverVersion } from '../server-version.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const TRANSLATED = [
  ['', '(?:)'],
  ['^a$', '^a$'],
  ['^https?://', '^https?:\\/\\/'],
  ['^[a-z][a-z0-9_]{1,62}$', '^[a-z][a-z0-9_]{1,62}$'],
  ['(a|b)+?', '(?:a|b)+'],
  ['(?:ab){2,}', '(?:ab){2,}'],
  ['a.b', 'a[^]b'],
  ['[]x-]', '[\\]x\\-]'],
  ['[^]a]', '[^\\]a]'],
  ['[a\\]\\\\-]', '[a\\]\\\\\\-]'],
  ['\\.\\$\\{', '\\.\\$\\{'],
  ['a{b}', 'a\\{b\\}'],
  ['\\n\\t', '\\u{a}\\u{9}'],
  ['\\u00e9', 'é'],
  ['😀|[α-ω]', '😀|[α-ω]'],
  ['^\\s\\S[^\\s/]$', '^\\p{White_Space}\\P{White_Space}[^\\p{White_Space}\\/]$'],
] as const

const REFUSED = [
  ['***=literal', /director/],
  ['(?i)a', /options/],
  ['(?=a)', /looks around/],
  ['\\d+', /\\d/],
  ['\\w', /\\w/],
  ['\\ma', /\\m/],
  ['(a)\\1', /\\1/],
  ['[[:alpha:]]', /class/],
  ['[\\d]', /\\d/],
  ['[\\S]', /\\S/],
  ['a||b', /empty branch/],
  ['a{2', /ends too early/],
] as const

/** Texts that tell apart what looks alike. */
const TEXTS = [
  '',
  'a',
  'ab',
  'abab',
  'b',
  'A',
  'a\n',
  '\na',
  'a\nb',
  'a😀b',
  '😀',
  'é',
  'ω',
  ']',
  '-',
  '\\',
  'x',
  '.',
  '.${',
  'a{b}',
  '\n\t',
  '\u0085x/',
  '\u0085xy',
  '\ufeffx/',
  '\u00a0xy',
  ' xy',
  'https://x',
  'http:',
  'a_9',
  `a${'b'.repeat(62)}`,
  `a${'b'.repeat(63)}`,
]

describe('translatePattern', () => {
  it.each(TRANSLATED)('%s', (pattern, source) => {
    expect(translatePattern(pattern)).toEqual({ source })
  })

  it('means what Postgres means, for each of these patterns and texts', async () => {
    const version = await serverVersion(db)
    const texts = TEXTS.filter((text) => isSeenAlike(text, version))
    const { rows } = await db.owner.query<{ verdicts: boolean[] }>(
      `select array(select t ~ p from unnest($2::text[]) with ordinality as texts (t, n) order by n) as verdicts
       from unnest($1::text[]) with ordinality as patterns (p, n) order by n`,
      [TRANSLATED.map(([pattern]) => pattern), texts],
    )
    const own = TRANSLATED.map(([, source]) => texts.map((text) => new RegExp(source, 'u').test(text)))
    expect(own).toEqual(rows.map(({ verdicts }) => verdicts))
    expect(own.flat().filter(Boolean).length).toBeGreaterThan(20)
  })

  it.each(REFUSED)('refuses %s', (pattern, reason) => {
    expect(translatePattern(pattern)).toEqual({ reason: expect.stringMatching(reason) })
  })
})
