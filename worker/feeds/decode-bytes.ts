/**
 * Bytes to text. Feeds lie about their charset in both places where they state it, so what the bytes themselves
 * prove goes first: a byte order mark, the zero bytes of UTF-16, valid UTF-8 beyond ASCII.
 */

/** Beyond this share of broken characters a text "in UTF-8" is not in UTF-8 at all. */
const BROKEN_SHARE = 0.1

/** How far into the document an XML declaration may reach. */
const DECLARATION_BYTES = 512

/**
 * Decodes a feed's bytes. Never fails: an unknown charset is read as UTF-8, or windows-1252 where that is impossible.
 * @example decodeBytes(body, 'text/xml; charset=iso-8859-1')
 */
export function decodeBytes(bytes: Uint8Array, contentType?: string): string {
  const proven = provenCharset(bytes)
  if (proven) return new TextDecoder(proven).decode(bytes)

  const declared = [declaredCharset(bytes), headerCharset(contentType)]
  const legacy = declared.map(knownCharset).find((charset) => charset !== undefined && charset !== 'utf-8')
  const utf8 = new TextDecoder('utf-8').decode(bytes)
  const { broken, beyondAscii } = countCharacters(utf8)
  // Pure ASCII proves nothing, and stateful encodings such as ISO-2022-JP look like it.
  if (broken + beyondAscii === 0) return legacy ? new TextDecoder(legacy).decode(bytes) : utf8
  if (broken <= (broken + beyondAscii) * BROKEN_SHARE) return utf8
  return new TextDecoder(legacy ?? 'windows-1252').decode(bytes)
}

function provenCharset(bytes: Uint8Array): string | undefined {
  const [a, b, c, d] = bytes
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  if (a === 0x00 && b !== 0x00 && c === 0x00 && d !== 0x00) return 'utf-16be'
  if (a !== 0x00 && b === 0x00 && c !== 0x00 && d === 0x00) return 'utf-16le'
  return undefined
}

function declaredCharset(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, DECLARATION_BYTES))
  return /<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]{1,40})["']/i.exec(head)?.[1]
}

function headerCharset(contentType: string | undefined): string | undefined {
  return /;\s*charset\s*=\s*["']?([\w.:-]{1,40})/i.exec(contentType ?? '')?.[1]
}

/** The charset's canonical name. Declared UTF-16 without its zero bytes is a lie; it would have been proven. */
function knownCharset(label: string | undefined): string | undefined {
  if (label === undefined || /^(utf-?16|ucs-?2|iso-10646)/i.test(label)) return undefined
  try {
    return new TextDecoder(label).encoding
  } catch {
    return undefined
  }
}

function countCharacters(decoded: string): { broken: number; beyondAscii: number } {
  let broken = 0
  let beyondAscii = 0
  for (let index = 0; index < decoded.length; index++) {
    const code = decoded.charCodeAt(index)
    if (code === 0xfffd) broken++
    else if (code > 0x7f) beyondAscii++
  }
  return { broken, beyondAscii }
}
