/** npm run feeds:import -- news.xml --title News --topic technology */
import { program } from 'commander'
import { importFeedFile } from '../sources/import-feed-file.ts'
import { printAdded } from './print-added.ts'
import { runFeedsCommand } from './run-feeds-command.ts'
import { sourceOptions, withSourceOptions } from './source-options.ts'
import { typedPath } from './typed-path.ts'

withSourceOptions(
  program.name('feeds:import').description('Imports a feed from a file; again imports only what is new.'),
)
  .argument('<file>', 'an RSS, Atom, RDF or JSON feed')
  .action((file: string) => {
    const options = sourceOptions(program)
    runFeedsCommand(async ({ pool, reader }) =>
      printAdded(await importFeedFile(pool, typedPath(file), { ...options, reader })),
    )
  })
  .parse()
