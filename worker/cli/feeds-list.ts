/** npm run feeds:list */
import { program } from 'commander'
import { renderTable } from '../../stack/terminal/table.ts'
import { type ListedSource, listSources } from '../sources/store.ts'
import { runFeedsCommand } from './run-feeds-command.ts'

program.name('npm run feeds:list').description('Shows the sources.').parse()

runFeedsCommand(async ({ pool }) => {
  const sources = await listSources(pool)
  if (sources.length === 0) {
    console.log('No sources yet. Add one: npm run feeds:add -- https://example.com/feed.xml')
    return
  }
  console.log(
    renderTable(
      ['title', 'address', 'topics', 'items', 'last success', 'state', 'next fetch'],
      sources.map(row),
    ),
  )
})

function row(source: ListedSource): string[] {
  const failures = source.failure_count > 0 ? ` (${source.failure_count} times)` : ''
  const isFile = source.url.startsWith('file:')
  return [
    shortened(source.title, 40),
    shortened(source.url, 60),
    source.topics.join(', '),
    String(source.item_count),
    minute(source.last_succeeded_at),
    source.last_error_key ? source.last_error_key + failures : 'ok',
    isFile ? 'never (file)' : minute(source.next_fetch_at),
  ]
}

function shortened(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text
}

function minute(date: Date | null): string {
  return date?.toISOString().slice(0, 16).replace('T', ' ') ?? 'never'
}
