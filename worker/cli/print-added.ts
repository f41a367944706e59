/** What an operator sees after a feed came in. */
import { colors } from '../../stack/terminal/colors.ts'
import type { AddedFeed } from '../sources/add-feed.ts'

const SHOWN = 5

/** Prints the source, the counts and the newest items. */
export function printAdded({ sourceId, url, read, counts }: AddedFeed): void {
  const { feed, leftOut, format, isSalvaged } = read
  console.log(
    `${colors.green('✓')} ${colors.bold(feed.title ?? url)} ${colors.dim(`${format}, ${feed.language ?? 'language unknown'}`)}`,
  )
  console.log(`  source ${sourceId}`)
  console.log(`  items: ${counts.inserted} new, ${counts.updated} changed, ${counts.unchanged} as before`)
  const reasons = Object.entries({
    empty: leftOut.empty,
    repeated: leftOut.duplicates,
    'over the limit': leftOut.overLimit,
  })
  const left = reasons.filter(([, count]) => count > 0).map(([reason, count]) => `${count} ${reason}`)
  if (left.length > 0) console.log(`  left out: ${left.join(', ')}`)
  if (isSalvaged) console.log(colors.yellow('  the feed is broken; its complete items were read'))
  const newest = feed.items.toSorted((a, b) => (b.published_at ?? '').localeCompare(a.published_at ?? ''))
  for (const item of newest.slice(0, SHOWN)) {
    console.log(
      `  ${colors.dim(item.published_at?.slice(0, 16).replace('T', ' ') ?? 'no date         ')}  ${item.title}`,
    )
  }
  if (newest.length > SHOWN) console.log(colors.dim(`  and ${newest.length - SHOWN} more`))
}
