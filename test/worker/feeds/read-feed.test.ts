/** From each format to the one clean shape. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { feed as feedSchema } from '../../../worker/feeds/feed-schema.ts'
import { readFeed } from '../../../worker/feeds/read-feed.ts'
import { isFeedError } from '../../../worker/worker-error.ts'
import { atomDocument, rssDocument, rssItem, utf8 } from '../support/feed-documents.ts'

const NOW = new Date('2026-11-20T12:00:00Z')
const DATE = '2025-06-03T10:00:00.000Z'

const read = (text: string, url?: string) => readFeed(utf8(text), { now: NOW, url })
const items = (text: string, url?: string) => read(text, url).feed.items
const first = (text: string, url?: string) => items(text, url)[0]

describe('formats', () => {
  test('RSS 2.0, whole', () => {
    const extra = `<author>ann@example.com (Ann Author)</author><category>One</category><category>one</category>
      <description>&lt;p&gt;Hello &amp;amp; welcome&lt;/p&gt;</description><media:thumbnail url="/t.png"/>`
    expect(
      read(
        rssDocument(rssItem(1, extra), { channel: '<language>en-GB</language>' }),
        'https://news.example/feed',
      ),
    ).toEqual({
      format: 'rss',
      isSalvaged: false,
      selfUrl: null,
      leftOut: { empty: 0, duplicates: 0, overLimit: 0 },
      feed: {
        title: 'News',
        site_url: 'https://news.example/',
        language: 'en',
        items: [
          {
            guid: 'item-1',
            url: 'https://news.example/1',
            canonical_url: 'https://news.example/1',
            title: 'Item 1',
            summary: 'Hello & welcome',
            author: 'Ann Author',
            language: 'en',
            image_url: 'https://news.example/t.png',
            kind: 'article',
            published_at: DATE,
            categories: ['One'],
          },
        ],
      },
    })
  })

  test('RSS 1.0 with Dublin Core', () => {
    const text = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
      xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://a.example/"><title>T</title>
      <dc:language>fr</dc:language></channel><item rdf:about="https://a.example/1"><title>One</title>
      <link>https://a.example/1</link><dc:date>2025-06-03T12:00:00+02:00</dc:date><dc:creator>Ann</dc:creator>
      <dc:subject>x</dc:subject></item></rdf:RDF>`
    expect(first(text)).toMatchObject({
      guid: 'https://a.example/1',
      published_at: DATE,
      author: 'Ann',
      language: 'fr',
      categories: ['x'],
    })
  })

  test('Atom with xml:base, xhtml and a prefix of its own', () => {
    const text = `<a:feed xmlns:a="http://www.w3.org/2005/Atom" xml:base="https://a.example/blog/" xml:lang="de">
      <a:title>T</a:title><a:entry xml:base="posts/"><a:id>tag:1</a:id><a:link href="one?utm_source=feed"/>
      <a:title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">One <b>two</b></div></a:title>
      <a:updated>2025-06-03T10:00:00Z</a:updated></a:entry></a:feed>`
    expect(first(text)).toMatchObject({
      title: 'One two',
      url: 'https://a.example/blog/posts/one?utm_source=feed',
      canonical_url: 'https://a.example/blog/posts/one',
      language: 'de',
      published_at: DATE,
    })
  })

  test('Atom without updated has no date', () => {
    expect(first(atomDocument('<entry><id>1</id><title>One</title></entry>'))).toMatchObject({
      published_at: null,
      url: null,
    })
  })

  test.each(['1', '1.1'])('JSON Feed %s', (version) => {
    const item = {
      id: 7,
      url: 'https://a.example/1',
      content_html: '<p>Text <img src="/i.png"></p>',
      tags: ['x'],
      date_modified: '2025-06-03T10:00:00Z',
    }
    const text = JSON.stringify({
      version: `https://jsonfeed.org/version/${version}`,
      title: 'T',
      items: [item],
    })
    expect(first(text)).toMatchObject({
      guid: '7',
      title: 'Text',
      image_url: 'https://a.example/i.png',
      published_at: DATE,
      categories: ['x'],
    })
  })

  test('plain text in JSON keeps its angle brackets from becoming tags', () => {
    const item = { id: '1', content_text: 'if 1 < 2 & 3 > 2' }
    expect(
      first(JSON.stringify({ version: 'https://jsonfeed.org/version/1', title: 'T', items: [item] })),
    ).toMatchObject({
      summary: 'if 1 < 2 & 3 > 2',
    })
  })

  test.each([
    ['<enclosure url="https://a.example/a.mp3" type="audio/mpeg" length="1"/>', 'podcast'],
    ['<enclosure url="https://a.example/a.mp4" type="video/mp4" length="1"/>', 'video'],
    ['<media:content url="https://a.example/a" medium="video"/>', 'video'],
    ['<enclosure url="https://a.example/a.png" type="image/png" length="1"/>', 'article'],
    ['', 'article'],
  ])('%s is a %s', (extra, kind) => {
    expect(first(rssDocument(rssItem(1, extra)))?.kind).toBe(kind)
  })
})

describe('what publishers leave out or get wrong', () => {
  test('without guid the canonical URL stands in, without both a hash that stays the same', () => {
    const [withLink, without] = items(
      rssDocument(
        '<item><title>A</title><link>https://a.example/a/?utm_source=x</link></item><item><title>B</title></item>',
      ),
    )
    expect(withLink?.guid).toBe('https://a.example/a')
    expect(without?.guid).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(items(rssDocument('<item><title>B</title></item>'))[0]?.guid).toBe(without?.guid)
  })

  test('a permalink guid is the address when there is no link, another guid is not', () => {
    expect(first(rssDocument('<item><title>A</title><guid>https://a.example/1</guid></item>'))?.url).toBe(
      'https://a.example/1',
    )
    expect(
      first(rssDocument('<item><title>A</title><guid isPermaLink="false">https://a.example/1</guid></item>'))
        ?.url,
    ).toBeNull()
  })

  test('without a title the beginning of the text stands in; without both the item is left out', () => {
    const result = read(
      rssDocument(
        '<item><description>Only text</description></item><item><link>https://a.example/</link></item>',
      ),
    )
    expect(result.feed.items).toMatchObject([{ title: 'Only text', summary: 'Only text' }])
    expect(result.leftOut.empty).toBe(1)
  })

  test('relative links resolve against where the feed was found, or where it says it lives', () => {
    const item = '<item><title>A</title><link>/a</link></item>'
    expect(first(rssDocument(item), 'https://found.example/feed')?.url).toBe('https://found.example/a')
    const self = '<atom:link rel="self" href="https://self.example/feed"/>'
    expect(first(rssDocument(item, { channel: self }))?.url).toBe('https://self.example/a')
  })

  test('a bare e-mail address is nobody’s name', () => {
    expect(first(rssDocument(rssItem(1, '<author>ann@example.com</author>')))?.author).toBeNull()
  })

  test('an item’s own language goes before the feed’s, the feed’s before a guess', () => {
    const german =
      '<description>Der Stadtrat beschließt nach langer Debatte neue Radwege am Fluss und mehr Bäume</description>'
    expect(first(rssDocument(rssItem(1, german)))?.language).toBe('de')
    expect(first(rssDocument(rssItem(1, german), { channel: '<language>en</language>' }))?.language).toBe(
      'en',
    )
    expect(
      first(rssDocument(rssItem(1, '<dc:language>fr</dc:language>'), { channel: '<language>en</language>' }))
        ?.language,
    ).toBe('fr')
  })

  test('titles and summaries are cut at 300 and 1,000 code points', () => {
    const long = first(
      rssDocument(
        `<item><title>${'ä '.repeat(400)}</title><description>${'word '.repeat(400)}</description></item>`,
      ),
    )
    expect(Array.from(long?.title ?? '').length).toBeLessThanOrEqual(300)
    expect(long?.summary?.endsWith('word…')).toBe(true)
  })

  test.each([
    ['RSS', (n: number) => rssDocument(Array.from({ length: n }, (_, id) => rssItem(id)).join(''))],
    [
      'Atom',
      (n: number) =>
        atomDocument(
          Array.from({ length: n }, (_, id) => `<entry><id>${id}</id><title>T${id}</title></entry>`).join(''),
        ),
    ],
    [
      'JSON',
      (n: number) =>
        JSON.stringify({
          version: 'https://jsonfeed.org/version/1',
          title: 'T',
          items: Array.from({ length: n }, (_, id) => ({ id: `${id}`, title: `T${id}` })),
        }),
    ],
  ])('of 1,200 items in %s the first 1,000 are read and the rest are counted', (_, document) => {
    const result = read(document(1200))
    expect(result).toMatchObject({ isSalvaged: false, leftOut: { overLimit: 200 } })
    expect(result.feed.items).toHaveLength(1000)
    expect(read(document(1000)).leftOut.overLimit).toBe(0)
  })

  test('a web page is refused with the feeds it names', () => {
    const page = `<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="/feed.xml">
      <link rel="alternate" type="application/atom+xml" href="javascript:alert(1)"></head></html>`
    expect(() => read(page, 'https://a.example/blog/')).toThrow(
      expect.objectContaining({
        key: 'feed_not_recognised',
        hint: 'The page names its feeds: https://a.example/feed.xml',
      }),
    )
  })

  test('a head with a tag too few still gives its items, and says so', () => {
    const result = read(
      `<rss version="2.0"><channel><title>News</title><category>${rssItem(1)}${rssItem(2)}</channel></rss>`,
    )
    expect(result).toMatchObject({
      isSalvaged: true,
      feed: { title: 'News', items: [{ guid: 'item-1' }, { guid: 'item-2' }] },
    })
  })
})

test('a feed with random damage gives clean items or one of our keys, never another error', () => {
  const sound = rssDocument(rssItem(1, '<description>&lt;b&gt;x&lt;/b&gt;</description>') + rssItem(2))
  const damage = fc.record({
    at: fc.nat(sound.length),
    cut: fc.nat(30),
    put: fc.oneof(fc.string(), fc.constantFrom('<', ']]>', '<!--', '&', '<item>', '\0')),
  })
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
      const text = damages.reduce(
        (before, { at, cut, put }) => before.slice(0, at) + put + before.slice(at + cut),
        sound,
      )
      try {
        return feedSchema.safeParse(read(text).feed).success
      } catch (error) {
        return isFeedError(error)
      }
    }),
    { numRuns: 1000 },
  )
})
