/** npm run secrets:rotate: a new key for access tokens, while everything runs. `-- --finish` ends the old one's time. */
import { program } from 'commander'
import { z } from 'zod'
import { withTarget } from '../db/with-target.ts'
import { finishRotation, rotateJwtSecret } from '../rotate-secret.ts'
import { runningStack } from '../run-file.ts'
import { StackError } from '../stack-error.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run secrets:rotate --')
  .description('Changes the key that access tokens are signed with; nobody is signed out.')
  .option('--finish', 'end the time of the previous key; refused until the last of its tokens has expired')
  .option('--leaked', 'with --finish: at once; clients refresh their tokens')
  .parse()

const options = z
  .object({ finish: z.boolean().default(false), leaked: z.boolean().default(false) })
  .parse(program.opts())

runCommand(async (settings) => {
  if (options.finish) {
    const wasThere = await withTarget(settings, (target) => finishRotation(target, options.leaked))
    console.log(wasThere ? 'The previous key opens nothing any more.' : 'There was no previous key.')
    return 0
  }
  if (options.leaked) {
    throw new StackError(
      'refused',
      '--leaked says how to finish.',
      'npm run secrets:rotate -- --finish --leaked',
    )
  }
  if (settings.jwtSecret !== undefined) {
    throw new StackError(
      'refused',
      'HOWDAH_JWT_SECRET says which secret to use, so no other one can be made here.',
      'Change the variable and start again; the database keeps the old secret for the tokens that are out.',
    )
  }
  const api = runningStack(settings.dataDir)?.ports.api
  const apiUrls = api === undefined ? [] : [`http://127.0.0.1:${api}`]
  await withTarget(settings, (target) => rotateJwtSecret({ target, dataDir: settings.dataDir, apiUrls }))
  console.log('Access tokens are signed with a new key, which secrets.json holds now.')
  console.log('Tokens of the old one are good for their last 15 minutes; the worker ends it then.')
  return 0
})
