/** npm run roles:login -- ada howdah_readonly: a login of one's own for a person or a tool; `-- ada --end` ends it. */
import { program } from 'commander'
import { z } from 'zod'
import { connectionUrl } from '../connection-url.ts'
import { endPersonLogin, personLogin, READING_ROLES } from '../db/person-login.ts'
import { withTarget } from '../db/with-target.ts'
import { runCommand } from '../terminal/run-command.ts'

program
  .name('npm run roles:login --')
  .description('Makes a database login, or gives it a new password, and prints how to connect.')
  .argument('<name>', 'of the login, for instance ada')
  .argument('[role]', `what it may do: ${READING_ROLES.join(', ')}`)
  .option('--end', 'end the login and its connections')
  .parse()

const options = z.object({ end: z.boolean().default(false) }).parse(program.opts())

runCommand((settings) =>
  withTarget(settings, async (target) => {
    const [name = '', role = ''] = program.args
    if (options.end) {
      await endPersonLogin(target, name)
      console.log(`${name} can log in no more.`)
      return 0
    }
    const password = await personLogin(target, name, role)
    console.log(connectionUrl(target.adminUrl, { user: name, password, database: target.database }))
    console.log(
      `The password is shown this once; the same command makes a new one. End it: npm run roles:login -- ${name} --end`,
    )
    return 0
  }),
)
