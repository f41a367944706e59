/** Days in the life of readers: each morning a briefing, then what they do with its cards, through the real functions. */
import type pg from 'pg'
import { adminUrlFor, type Target, urlFor } from '../../stack/provision/target.ts'
import { withClient } from '../../stack/provision/with-client.ts'
import type { PublishedItem } from './news.ts'
import { type Reader, reaction } from './readers.ts'

type Card = { id: string; url: string }
const ADDRESS = 'https://ranking.example/'

/** Accounts with the topics that were chosen on the first day. @returns id by reader's name */
export async function openAccounts(
  owner: pg.Client,
  readers: readonly Reader[],
): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const { name, chosen } of readers) {
    const { rows } = await owner.query<{ id: string }>(
      `insert into core.users (email, timezone) values ($1, 'UTC') returning id`,
      [`${name}@ranking.example`],
    )
    const id = rows[0]?.id ?? ''
    ids.set(name, id)
    await owner.query(
      `insert into briefing.user_preferences as p (user_id, preferences) values ($1, $2)
       on conflict (user_id) do update set preferences = excluded.preferences`,
      [id, JSON.stringify({ topics: chosen })],
    )
  }
  return ids
}

/** Hands the items to the importer, as the worker does with what it reads in feeds. */
export async function publish(owner: pg.Client, items: readonly PublishedItem[]): Promise<void> {
  for (const source of new Set(items.map((item) => item.source))) {
    const { rows } = await owner.query<{ id: string }>(
      `insert into briefing.content_sources (url, canonical_url, title, is_active)
       values ($1, $1, $2, false) on conflict (canonical_url) do update set title = excluded.title returning id`,
      [`${ADDRESS}source-${source}`, `Source ${source}`],
    )
    const feed = {
      title: `Source ${source}`,
      items: items
        .filter((item) => item.source === source)
        .map(({ guid, topics, publishedAt }) => ({
          guid,
          // No word of it is a keyword: the topics come from the categories alone, so the truth is known.
          title: `Zyx ${guid} ${guid.split('-')[1]} ${source}`,
          url: `${ADDRESS}${guid}`,
          categories: topics,
          published_at: new Date(publishedAt).toISOString(),
        })),
    }
    await owner.query('select briefing.import_feed($1, $2)', [rows[0]?.id, JSON.stringify(feed)])
  }
}

/** One day of all readers. @returns the items of each reader's briefing, best first */
export async function liveThroughDay(
  target: Target,
  day: number,
  people: {
    readers: readonly Reader[]
    ids: ReadonlyMap<string, string>
    items: ReadonlyMap<string, PublishedItem>
  },
): Promise<Map<string, PublishedItem[]>> {
  // Only a superuser moves the clock.
  await withClient(adminUrlFor(target, target.database), (superuser) =>
    superuser.query(`alter database ${target.database} set howdah.clock_offset = '${day} days'`),
  )
  return withClient(urlFor(target, 'howdah_authenticator'), async (client) => {
    const shown = new Map<string, PublishedItem[]>()
    for (const reader of people.readers) {
      await client.query(
        `select set_config('role', 'howdah_user', false), set_config('request.jwt.claims', $1, false)`,
        [JSON.stringify({ sub: people.ids.get(reader.name), role: 'howdah_user' })],
      )
      const { rows } = await client.query<{ cards: Card[] }>('select cards from api.today_briefing()')
      const cards = (rows[0]?.cards ?? []).map(({ id, url }) => ({
        id,
        item: people.items.get(url.slice(ADDRESS.length)),
      }))
      for (const { id, item } of cards) {
        const told = item && reaction(reader, item)
        if (told)
          await client.query('select api.give_feedback($1, $2, $3)', [
            id,
            told.kind,
            told.dwellSeconds ?? null,
          ])
      }
      shown.set(
        reader.name,
        cards.map(({ item }) => item).filter((item) => item !== undefined),
      )
    }
    return shown
  })
}
