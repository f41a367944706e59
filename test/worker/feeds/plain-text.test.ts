/** No markup, no script, no invisible character leaves the text. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstImage, plainText } from '../../../worker/feeds/plain-text.ts'
import { shorten } from '../../../worker/feeds/shorten.ts'

test.each([
  ['<p>Caf&eacute; &amp; <b>bar</b></p>', 'Café & bar'],
  ['plain text, 1 < 2 and I <3 you', 'plain text, 1 < 2 and I <3 you'],
  ['<p>one</p><p>two</p>three<br>four', 'one two three four'],
  ['in<b>line</b> stays', 'inline stays'],
  ['a<script>alert(1)</script>b', 'ab'],
  ['a<style>p{}</style><iframe src=x>no</iframe>b', 'ab'],
  ['a<svg><script>alert(1)</script></svg>b', 'ab'],
  ['&lt;script&gt;alert(1)&lt;/script&gt;', ''],
  ['&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;x', 'x'],
  ['<<script>script>alert(1)<</script>/script>', expect.not.stringContaining('<')],
  ['<img src=x onerror=alert(1)>x', 'x'],
  ['<a href="javascript:alert(1)">link</a>', 'link'],
  ['<![CDATA[ inside ]]>', 'inside'],
  ['a\u0000b\u0007c\u001bd', 'abcd'],
  ['evil\u202egnp.exe\u202c \u2066x\u2069', 'evilgnp.exe x'],
  ['zero\u200bwidth\ufeff', 'zerowidth'],
  ['half a surrogate \ud83d!', 'half a surrogate \ufffd!'],
  ['  \n\t lines \u00a0 and   spaces ', 'lines and spaces'],
  ['👩‍👩‍👧 stays whole', '👩‍👩‍👧 stays whole'],
  ['', ''],
])('%j reads %j', (html, text) => {
  expect(plainText(html)).toEqual(text)
})

test('whatever comes in, no tag and no control comes out', () => {
  const pieces = [
    '<',
    '>',
    '&lt;',
    '&amp;lt;',
    'script',
    '/',
    '!--',
    '<![CDATA[',
    ']]>',
    '"',
    ' ',
    'x',
    '\u202e',
    '\0',
  ]
  const html = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string())).map((parts) => parts.join(''))
  fc.assert(
    fc.property(html, (input) => {
      const text = plainText(input)
      return (
        !/<[a-z/!?]/i.test(text) && !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(text) && text.isWellFormed()
      )
    }),
    { numRuns: 2000 },
  )
})

test.each([
  ['<p><img src="/a.png"></p>', '/a.png'],
  ['<img width="1" height="1" src="/pixel.gif"><img src="/b.png">', '/b.png'],
  ['no picture', undefined],
])('the first picture of %j is %j', (html, source) => {
  expect(firstImage(html)).toBe(source)
})

test.each([
  ['one two three', 9, 'one two…'],
  ['one two three', 13, 'one two three'],
  ['one two, three', 9, 'one two…'],
  ['👍👍👍👍', 3, '👍👍…'],
  ['x'.repeat(200), 100, `${'x'.repeat(99)}…`],
])('shorten(%j, %i) is %j', (text, limit, short) => {
  expect(shorten(text, limit)).toBe(short)
})

test('a shortened text never has more code points than allowed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 2, max: 40 }), (text, limit) => {
      return Array.from(shorten(text, limit)).length <= limit
    }),
  )
})
