/** Small feeds for tests. */

/** One item of an RSS document; `extra` is put in as it is. */
export function rssItem(number: number | string, extra = ''): string {
  return `<item><title>Item ${number}</title><link>https://news.example/${number}</link>
    <guid>item-${number}</guid><pubDate>Tue, 03 Jun 2025 10:00:00 GMT</pubDate>${extra}</item>`
}

/** An RSS document around items. */
export function rssDocument(items: string, { channel = '', prolog = '' } = {}): string {
  return `<?xml version="1.0" encoding="utf-8"?>${prolog}<rss version="2.0"
    xmlns:media="http://search.yahoo.com/mrss/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
    xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">
    <channel><title>News</title><link>https://news.example/</link>${channel}${items}</channel></rss>`
}

/** An Atom document around entries. */
export function atomDocument(entries: string, attributes = ''): string {
  return `<feed xmlns="http://www.w3.org/2005/Atom" ${attributes}><title>News</title>${entries}</feed>`
}

/** Text as bytes. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
