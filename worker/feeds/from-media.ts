/** Media RSS inside any XML format: pictures, players and the texts that video sites put only there. */
import type { MediaNs } from 'feedsmith'
import type { RawMedia } from './raw-feed.ts'

/** What Media RSS says about one item. */
export type MediaParts = { media: RawMedia[]; images: string[]; titles: string[]; texts: string[] }

/** Flattens groups and contents of an item's media:… elements. */
export function fromMedia(media: MediaNs.ItemOrFeed | undefined): MediaParts {
  const groups = media?.groups ?? []
  const contents = [...(media?.contents ?? []), ...groups.flatMap((group) => group.contents ?? [])]
  const holders = [media, ...groups, ...contents].filter((holder) => holder !== undefined)
  const pictures = contents.filter(
    (content) => content.medium === 'image' || content.type?.startsWith('image/'),
  )
  return {
    media: contents.map(({ url, type, medium }) => ({ url, type, medium })),
    images: [
      ...holders.flatMap((holder) => holder.thumbnails ?? []).map((thumbnail) => thumbnail.url),
      ...pictures.map((content) => content.url),
    ].filter((url) => url !== undefined),
    titles: holders.map((holder) => holder.title?.value).filter((text) => text !== undefined),
    texts: holders.map((holder) => holder.description?.value).filter((text) => text !== undefined),
  }
}
