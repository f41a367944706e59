/** npm run feeds:import -- news.xml --title News --topic technology; or a list of feeds: subscriptions.opml */
import { program } from 'commander'
import { colors } from '../../stack/terminal/colors.ts'
import type { WorkerServices } from '../define-task.ts'
import { decodeBytes } from '../feeds/decode-bytes.ts'
import { isOpml, readOpml } from '../feeds/opml.ts'
import type { SourceOptions } from '../sources/add-feed.ts'
import { importFeedFile } from '../sources/import-feed-file.ts'
import { importList } from '../sources/import-list.ts'
import { readFeedFile } from '../sources/read-feed-file.ts'
import { printAdded } from './print-added.ts'
import { runFeedsCommand } from './run-feeds-command.ts'
import { sourceOptions, withSourceOptions } from './source-options.ts'
import { typedPath } from './typed-path.ts'

withSourceOptions(
  program
    .name('feeds:import')
    .description(
      'Imports a feed from a file, or adds every feed of a list (OPML); again imports only what is new.',
    ),
)
  .argument('<file>', 'an RSS, Atom, RDF or JSON feed, or an OPML list of feeds')
  .action((file: string) => {
    const options = sourceOptions(program)
    runFeedsCommand(async (services) => {
      const path = typedPath(file)
      const text = decodeBytes(await readFeedFile(path))
      if (isOpml(text)) return await addAll(services, text, options)
      printAdded(await importFeedFile(services.pool, path, { ...options, reader: services.reader }))
    })
  })
  .parse()

/** One line a feed, as they come in; what could not be added stands once more at the end. */
async function addAll(services: WorkerServices, text: string, options: SourceOptions): Promise<void> {
  // A name is one feed's.
  if (options.title !== undefined) return program.error('error: --title is for one feed, and this is a list')
  const feeds = readOpml(text)
  const failed: string[] = []
  for await (const outcome of importList(services, feeds, options)) {
    if ('added' in outcome) {
      const { url, read, counts } = outcome.added
      console.log(
        `${colors.green('✓')} ${read.feed.title ?? url} ${colors.dim(`${counts.inserted} new items`)}`,
      )
    } else {
      const { key, message } = outcome.error
      failed.push(`${outcome.feed.url}\n  ${key}: ${message}`)
      console.log(`${colors.red('✗')} ${outcome.feed.title ?? outcome.feed.url} ${colors.dim(key)}`)
    }
  }
  console.log(`${feeds.length - failed.length} of ${feeds.length} feeds are followed.`)
  if (failed.length === 0) return
  console.error(`\nNot added; the same command tries them again:\n${failed.join('\n')}`)
  process.exitCode = 1
}
