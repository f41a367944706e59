/** Documents written to hurt, as bytes. `items`: how many a good reader finds; `key`: what it answers instead. */
import { atomDocument, rssDocument, rssItem, utf8 } from './feed-documents.ts'

/** One document and what must come of it; with neither `items` nor `key`, any of our answers will do. */
export type HostileDocument = { bytes: Uint8Array; items?: number; key?: string }

const MEGABYTE = 1024 * 1024
const described = (html: string) => rssDocument(rssItem(1, `<description>${html}</description>`))
const doctype = (subset: string, root = 'rss') => `<!DOCTYPE ${root} [${subset}]>`
const entities = (count: number) =>
  Array.from({ length: count }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join('')

/** The documents by name. `canaryUrl` is where an external entity would be fetched, `canaryFile` what it would read. */
export function hostileDocuments(canaryUrl: string, canaryFile: string): Record<string, HostileDocument> {
  const forbidden = { key: 'feed_forbidden_entities' }
  const external = `"${canaryUrl}/entity.dtd"`
  const text: Record<string, Omit<HostileDocument, 'bytes'> & { text: string }> = {
    'billion laughs': {
      ...forbidden,
      text: rssDocument(rssItem('&e12;'), { prolog: doctype(`<!ENTITY e0 "ha">${entities(12)}`) }),
    },
    'billion laughs in Atom': {
      ...forbidden,
      text:
        doctype(`<!ENTITY e0 "ha">${entities(12)}`, 'feed') +
        atomDocument('<entry><title>&e12;</title></entry>'),
    },
    'billion laughs in RDF': {
      ...forbidden,
      text: `${doctype(`<!ENTITY e0 "ha">${entities(9)}`, 'rdf:RDF')}<rdf:RDF/>`,
    },
    'quadratic blow-up': {
      ...forbidden,
      text: rssDocument(rssItem('&q;'.repeat(5000)), {
        prolog: doctype(`<!ENTITY q "${'q'.repeat(50_000)}">`),
      }),
    },
    'a file as entity': {
      ...forbidden,
      text: rssDocument(rssItem('&x;'), { prolog: doctype(`<!ENTITY x SYSTEM "file://${canaryFile}">`) }),
    },
    'a URL as entity': {
      ...forbidden,
      text: rssDocument(rssItem('&x;'), { prolog: doctype(`<!ENTITY x SYSTEM ${external}>`) }),
    },
    'a parameter entity': {
      ...forbidden,
      text: rssDocument(rssItem(1), { prolog: doctype(`<!ENTITY % p SYSTEM ${external}> %p;`) }),
    },
    'entities in lower case': {
      ...forbidden,
      text: rssDocument(rssItem(1), { prolog: '<!doctype rss [<!entity a "b">]>' }),
    },
    'entities behind a comment': {
      ...forbidden,
      text: rssDocument(rssItem(1), { prolog: `<!-- > -->${doctype('<!-- ] --><!ENTITY a "b">')}` }),
    },
    'a second DOCTYPE': {
      ...forbidden,
      text: rssDocument(rssItem(1), { prolog: `<!DOCTYPE rss>${doctype('<!ENTITY a "b">')}` }),
    },
    'an external DTD': {
      items: 1,
      text: rssDocument(rssItem(1), {
        prolog: `<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" ${external}>`,
      }),
    },
    'a DOCTYPE inside CDATA': { items: 1, text: described('<![CDATA[<!DOCTYPE x [<!ENTITY a "b">]>]]>') },
    'an entity nobody declared': { items: 1, text: described('&nosuch; &a; &#xFFFFFFFF; &#0; &#xD800;') },
    'an XInclude': {
      items: 1,
      text: described(`<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="${canaryUrl}"/>`),
    },
    'a stylesheet instruction': {
      items: 1,
      text: rssDocument(rssItem(1), { prolog: `<?xml-stylesheet href="${canaryUrl}/x.xsl"?>` }),
    },
    'a million numeric references': { items: 1, text: described('&#65;'.repeat(900_000)) },
    'a million named references': { items: 1, text: described('&amp;'.repeat(900_000)) },
    '100,000 nested elements': { text: described('<a>'.repeat(100_000) + '</a>'.repeat(100_000)) },
    '100,000 nested elements of HTML': {
      items: 1,
      text: described(`<![CDATA[${'<div>'.repeat(100_000)}]]>`),
    },
    '100,000 unclosed elements': { text: `<rss><channel><item>${'<a>'.repeat(100_000)}` },
    '100,000 items': {
      items: 1000,
      text: rssDocument(
        Array.from({ length: 100_000 }, (_, n) => `<item><title>${n}</title></item>`).join(''),
      ),
    },
    '100,000 attributes': {
      text: described(`<a ${Array.from({ length: 100_000 }, (_, n) => `a${n}=""`).join(' ')}/>`),
    },
    '100,000 namespaces': {
      text: `<rss ${Array.from({ length: 100_000 }, (_, n) => `xmlns:n${n}="u${n}"`).join(' ')}><channel>${rssItem(1)}</channel></rss>`,
    },
    '100,000 categories': {
      items: 1,
      text: rssDocument(rssItem(1, '<category>c</category>'.repeat(100_000))),
    },
    '100,000 enclosures': {
      items: 1,
      text: rssDocument(rssItem(1, '<enclosure url="https://a.example/a"/>'.repeat(60_000))),
    },
    'a title of 4 MB': {
      items: 1,
      text: rssDocument(`<item><title>${'word '.repeat(800_000)}</title></item>`),
    },
    'a tag name of 4 MB': { text: described(`<${'a'.repeat(4 * MEGABYTE)}/>`) },
    'an attribute of 4 MB': { text: described(`<a b="${'a'.repeat(4 * MEGABYTE)}"/>`) },
    'a comment of 4 MB': { items: 1, text: rssDocument(`<!--${'-x'.repeat(2_000_000)}-->${rssItem(1)}`) },
    'a million opening brackets': { text: `<rss><channel><item>${'<'.repeat(1_000_000)}` },
    'a million comment starts': { text: described('<!--'.repeat(1_000_000)) },
    'a million CDATA starts': { text: described('<![CDATA['.repeat(500_000)) },
    'a million instruction starts': { text: described('<?'.repeat(1_000_000)) },
    'a million DOCTYPE starts': { text: '<!DOCTYPE '.repeat(400_000) },
    'a million item starts': { text: `<rss><channel>${'<item>'.repeat(700_000)}` },
    'a million quotes': { text: `<!DOCTYPE rss "${"'".repeat(1_000_000)}` },
    'a prolog of comments only': { text: '<!---->'.repeat(600_000) },
    'five megabytes and a byte': { key: 'feed_too_large', text: 'x'.repeat(5 * MEGABYTE + 1) },
    'deep JSON': { key: 'feed_not_recognised', text: '['.repeat(1_000_000) },
    'deep JSON inside a feed': {
      text: `{"version":"https://jsonfeed.org/version/1.1","title":"t","items":${'['.repeat(500_000)}${']'.repeat(500_000)}}`,
    },
    'JSON with a prototype': {
      text: '{"version":"https://jsonfeed.org/version/1.1","title":"t","__proto__":{"polluted":1},"items":[{"id":"1","title":"x","constructor":{"prototype":{"polluted":1}}}]}',
    },
    'XML with a prototype': {
      text: described('<__proto__><polluted>1</polluted></__proto__><constructor>1</constructor>'),
    },
    'a web page': {
      key: 'feed_not_recognised',
      text: '<!doctype html><html><head><title>x</title></head><body><p>hi<br></body></html>',
    },
    'a web page that speaks of RSS': {
      text: '<!doctype html><html><body>&lt;rss&gt; <pre><rss></pre></body></html>',
    },
    'other XML': {
      key: 'feed_not_recognised',
      text: '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    },
    'a single Atom entry': {
      key: 'feed_not_recognised',
      text: '<entry xmlns="http://www.w3.org/2005/Atom"><title>x</title></entry>',
    },
    'plain text': { key: 'feed_not_recognised', text: 'Not found' },
    nothing: { key: 'feed_not_recognised', text: '' },
    'white space': { key: 'feed_not_recognised', text: ' \n '.repeat(100_000) },
    'cut off in an item': {
      items: 2,
      text: `<rss><channel><title>T</title>${rssItem(1)}${rssItem(2)}<item><title>Thr`,
    },
    'cut off in CDATA': { items: 1, text: `<rss><channel>${rssItem(1)}<item><title><![CDATA[half` },
    'cut off before the end': { items: 2, text: `<rss><channel><title>T</title>${rssItem(1)}${rssItem(2)}` },
    'cut off in Atom': {
      items: 1,
      text: '<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><id>1</id><title>One</title></entry><entry><ti',
    },
    'cut off in JSON': {
      key: 'feed_not_recognised',
      text: '{"version":"https://jsonfeed.org/version/1.1","title":"t","items":[{"id"',
    },
    'crossed tags': { text: `<rss><channel><title>T</channel></title>${rssItem(1)}</rss>` },
    'CDATA that closes early': {
      items: 1,
      text: described('<![CDATA[a]]>]]&gt;<![CDATA[<script>alert(1)</script>]]>'),
    },
    'CDATA inside CDATA': { text: described('<![CDATA[<![CDATA[<script>alert(1)</script>]]>]]>') },
    'scripts in every field': {
      items: 1,
      text: rssDocument(
        `<item><title>&lt;script&gt;alert(1)&lt;/script&gt;Title</title><author>&lt;script&gt;alert(1)&lt;/script&gt;Ann</author>
        <category>&lt;script&gt;alert(1)&lt;/script&gt;cat</category><link>javascript:alert(1)</link><guid>javascript:alert(1)</guid>
        <description>&lt;img src=x onerror=alert(1)&gt;&lt;iframe src=javascript:alert(1)&gt;&lt;/iframe&gt;&lt;svg onload=alert(1)&gt;</description>
        <enclosure url="data:text/html,&lt;script&gt;alert(1)&lt;/script&gt;" type="image/png"/></item>`,
      ),
    },
    'scripts escaped twice': {
      items: 1,
      text: described('&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;'),
    },
    'the same guid everywhere': {
      items: 3,
      text: rssDocument(
        [1, 2, 3]
          .map((n) => `<item><guid>0</guid><title>T${n}</title><link>https://a.example/${n}</link></item>`)
          .join(''),
      ),
    },
    'no guid anywhere': {
      items: 3,
      text: rssDocument([1, 2, 3].map((n) => `<item><title>T${n}</title></item>`).join('')),
    },
    'the same item twice': { items: 1, text: rssDocument(rssItem(1) + rssItem(1)) },
    'impossible dates': {
      items: 3,
      text: rssDocument(
        ['1970-01-01T00:00:00Z', '9999-12-31', '0000-00-00 00:00:00']
          .map((date, n) => `<item><title>T${n}</title><pubDate>${date}</pubDate></item>`)
          .join(''),
      ),
    },
    'control characters': {
      items: 1,
      text: rssDocument('<item><title>a\u0000b\u0001c\u202ed\ufffe</title></item>'),
    },
  }
  const binary: Record<string, HostileDocument> = {
    'UTF-16': { items: 1, bytes: new Uint8Array(Buffer.from(`\ufeff${rssDocument(rssItem(1))}`, 'utf16le')) },
    'UTF-16 cut in a character': {
      items: 1,
      bytes: new Uint8Array(Buffer.from(`\ufeff${rssDocument(rssItem(1))} `, 'utf16le')).subarray(0, -1),
    },
    'a charset that is none': {
      items: 1,
      bytes: utf8(rssDocument(rssItem(1)).replace('utf-8', '../../etc/passwd')),
    },
    'random bytes': {
      key: 'feed_not_recognised',
      bytes: new Uint8Array(MEGABYTE).map((_, n) => (n * 2_654_435_761) >>> 24),
    },
    'zero bytes': { key: 'feed_not_recognised', bytes: new Uint8Array(4 * MEGABYTE) },
  }
  const encoded = Object.entries(text).map(([name, { text: content, ...rest }]) => [
    name,
    { ...rest, bytes: utf8(content) },
  ])
  return { ...Object.fromEntries(encoded), ...binary }
}
