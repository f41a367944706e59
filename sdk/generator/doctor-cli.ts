/** npm run sdk:doctor: lists what the database says and the SDK cannot. With --strict a list is a failure. */
import { withFreshDatabase } from '../../stack/db/with-fresh-database.ts'
import { runCommand } from '../../stack/terminal/run-command.ts'
import { describeFindings } from './doctor.ts'
import { readModel } from './generate-sdk.ts'

const isStrict = process.argv.includes('--strict')

runCommand(async (settings) => {
  const model = await withFreshDatabase(settings, readModel)
  console.log(describeFindings(model))
  return isStrict && model.untranslated.length + model.shapeless.length > 0 ? 1 : 0
})
