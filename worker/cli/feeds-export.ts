/** npm run -s feeds:export > feeds.opml */
import { program } from 'commander'
import { writeOpml } from '../feeds/opml.ts'
import { listSources } from '../sources/store.ts'
import { runFeedsCommand } from './run-feeds-command.ts'

program.name('npm run feeds:export').description('Prints the list of feeds as OPML.').parse()

runFeedsCommand(async ({ pool }) => {
  const sources = await listSources(pool)
  // What came from files here is nowhere else to be fetched.
  console.log(writeOpml(sources.filter(({ url }) => !url.startsWith('file:'))))
})
