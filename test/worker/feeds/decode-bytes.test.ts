/** What the bytes prove goes before what the feed says. */
import { expect, test } from 'vitest'
import { decodeBytes } from '../../../worker/feeds/decode-bytes.ts'

const TEXT = '<rss>Grüße – für 1 €</rss>'
const GERMAN = '<rss>Grüße für alle, überall, jährlich</rss>'

const declared = (charset: string, text = GERMAN) => `<?xml version="1.0" encoding="${charset}"?>${text}`
const bytes = (text: string, encoding: 'utf8' | 'latin1' | 'utf16le') =>
  new Uint8Array(Buffer.from(text, encoding))
const swapped = (text: string) => new Uint8Array(Buffer.from(text, 'utf16le').swap16())

test.each([
  ['UTF-8 without a word', bytes(TEXT, 'utf8'), undefined, TEXT],
  ['UTF-8 with a mark', bytes(`\ufeff${TEXT}`, 'utf8'), undefined, TEXT],
  [
    'UTF-8 that claims latin1',
    bytes(declared('iso-8859-1'), 'utf8'),
    'text/xml; charset=iso-8859-1',
    declared('iso-8859-1'),
  ],
  ['latin1 that says so', bytes(declared('ISO-8859-1'), 'latin1'), undefined, declared('ISO-8859-1')],
  [
    'latin1 that claims UTF-8',
    bytes(declared('utf-8'), 'latin1'),
    'text/xml; charset=utf-8',
    declared('utf-8'),
  ],
  ['latin1 known from the header', bytes(GERMAN, 'latin1'), 'text/xml; charset="windows-1252"', GERMAN],
  ['latin1 without a word', bytes(GERMAN, 'latin1'), undefined, GERMAN],
  [
    'UTF-16 with a mark',
    bytes(`\ufeff${declared('utf-16', TEXT)}`, 'utf16le'),
    undefined,
    declared('utf-16', TEXT),
  ],
  ['UTF-16 without a mark', bytes(TEXT, 'utf16le'), undefined, TEXT],
  ['UTF-16 big-endian', swapped(TEXT), undefined, TEXT],
  ['big-endian with a mark', swapped(`\ufeff${TEXT}`), undefined, TEXT],
  ['UTF-8 that claims UTF-16', bytes(declared('UTF-16'), 'utf8'), undefined, declared('UTF-16')],
  ['an unknown charset', bytes(declared('x-klingon'), 'utf8'), undefined, declared('x-klingon')],
  [
    'UTF-7, which nobody reads any more',
    bytes('+ADw-script+AD4-', 'utf8'),
    'text/xml; charset=utf-7',
    '+ADw-script+AD4-',
  ],
  ['nothing', new Uint8Array(), undefined, ''],
])('%s', (_, input, contentType, text) => {
  expect(decodeBytes(input, contentType)).toBe(text)
})

test('windows-1252 quotes and a Japanese encoding that is pure ASCII', () => {
  const quotes = new Uint8Array([...Buffer.from('<rss>'), 0x93, 0x68, 0x69, 0x94])
  expect(decodeBytes(quotes)).toBe('<rss>“hi”')
  const japanese = Buffer.from(
    '<?xml version="1.0" encoding="iso-2022-jp"?><rss>\u001b$B$3\u001b(B</rss>',
    'latin1',
  )
  expect(decodeBytes(new Uint8Array(japanese))).toContain('<rss>こ</rss>')
})

test('one broken character does not turn a UTF-8 feed into another charset', () => {
  const broken = new Uint8Array(
    Buffer.concat([Buffer.from('ü'.repeat(50)), Buffer.from([0xe4]), Buffer.from('<')]),
  )
  expect(decodeBytes(broken, 'text/xml; charset=iso-8859-1')).toBe(`${'ü'.repeat(50)}\ufffd<`)
})
