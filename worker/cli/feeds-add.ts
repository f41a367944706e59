/** npm run feeds:add -- https://example.com/feed.xml --topic science */
import { program } from 'commander'
import { addFeed } from '../sources/add-feed.ts'
import { printAdded } from './print-added.ts'
import { runFeedsCommand } from './run-feeds-command.ts'
import { sourceOptions, withSourceOptions } from './source-options.ts'

withSourceOptions(program.name('feeds:add').description('Fetches a feed and follows it from now on.'))
  .argument('<url>', 'address of an RSS, Atom, RDF or JSON feed')
  .action((url: string) => {
    const options = sourceOptions(program)
    runFeedsCommand(async (services) => printAdded(await addFeed(services, url, options)))
  })
  .parse()
