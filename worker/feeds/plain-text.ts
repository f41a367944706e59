/** Publishers' HTML to plain text. What leaves here holds no tag, no script, no control and no bidi override. */
import { Parser } from 'htmlparser2'

/** More than any summary needs; the rest of a long article is not even looked at. */
const INPUT_LIMIT = 100_000

/** Text that was escaped once too often still shows tags after the first round. */
const MAX_ROUNDS = 5

/** Their content is not prose. */
const SILENT = new Set(
  'applet audio base button canvas embed frameset iframe input link math meta noembed noframes noscript object option param script select style svg template textarea title video xmp'.split(
    ' ',
  ),
)

/** Elements whose edges part words. */
const BLOCKS = new Set(
  'address article aside blockquote br caption dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tbody td tfoot th thead tr ul'.split(
    ' ',
  ),
)

/** Controls, bidi overrides and isolates, soft hyphens, zero-width breaks, invisible tag letters, non-characters. */
const INVISIBLE =
  /[\p{Cc}\u00ad\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\u{e0000}-\u{e0fff}]/gu

/** What only markup looks like: a tag, or an entity that was escaped twice. */
const MARKUP = /<[a-z/!?]|&(?:[a-z]{2,8}\d?;|#\d|#x)/i

/**
 * The readable text of a piece of HTML (or of text: plain text comes out as it is).
 * @example plainText('<p>Caf&eacute; &amp; <b>bar</b></p>') // 'Café & bar'
 */
export function plainText(html: string): string {
  let text = tidy(html.slice(0, INPUT_LIMIT))
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // Tidied each time: what is invisible may part a bracket from its name.
    text = tidy(textContent(text))
    if (!MARKUP.test(text)) return text
  }
  return tidy(text.replaceAll('<', ' '))
}

/** Address of the first picture in a piece of HTML that is not a counting pixel. */
export function firstImage(html: string): string | undefined {
  let found: string | undefined
  const parser = new Parser({
    onopentag(name, attributes) {
      const isPixel = /^[01]$/.test(attributes['width'] ?? '') || /^[01]$/.test(attributes['height'] ?? '')
      if (name === 'img' && !found && attributes['src'] && !isPixel) found = attributes['src']
    },
  })
  parser.end(html.slice(0, INPUT_LIMIT))
  return found
}

function textContent(html: string): string {
  let text = ''
  let silence = 0
  const parser = new Parser(
    {
      onopentag(name) {
        if (SILENT.has(name)) silence++
        else if (BLOCKS.has(name)) text += ' '
      },
      onclosetag(name) {
        if (SILENT.has(name)) silence--
        else if (BLOCKS.has(name)) text += ' '
      },
      ontext(data) {
        if (silence === 0) text += data
      },
    },
    { decodeEntities: true, recognizeCDATA: true },
  )
  parser.end(html)
  return text
}

function tidy(text: string): string {
  const spaced = text
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\t\n\v\f\r]/g, ' ')
  return spaced.replace(INVISIBLE, '').replace(/\s+/g, ' ').trim()
}
