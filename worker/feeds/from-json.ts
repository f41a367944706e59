/** JSON Feed 1.0 and 1.1. */
import type { JsonFeed } from 'feedsmith'
import type { RawFeed, RawItem } from './raw-feed.ts'

/** Reads a JSON Feed. */
export function fromJson(feed: JsonFeed.Feed<string>): RawFeed {
  return {
    format: 'json',
    titles: [feed.title, feed.description],
    links: [feed.home_page_url],
    selfLinks: [feed.feed_url],
    languages: [feed.language],
    items: (feed.items ?? []).map((item) => fromJsonItem(item, feed)),
  }
}

function fromJsonItem(item: JsonFeed.Item<string>, feed: JsonFeed.Feed<string>): RawItem {
  const attachments = item.attachments ?? []
  return {
    guid: item.id,
    isGuidLink: true,
    links: [item.url, item.external_url],
    titles: [item.title],
    summaries: [item.summary, asHtml(item.content_text), item.content_html],
    authors: [...(item.authors ?? []), ...(feed.authors ?? [])].map((author) => author.name),
    dates: [item.date_published, item.date_modified],
    languages: [item.language],
    images: [item.image, item.banner_image],
    media: attachments.map((attachment) => ({ url: attachment.url, type: attachment.mime_type })),
    categories: item.tags ?? [],
  }
}

/** content_text is plain by specification, so its angle brackets are letters. */
function asHtml(text: string | undefined): string | undefined {
  return text?.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
