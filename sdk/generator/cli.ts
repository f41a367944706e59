/** npm run sdk:generate: prints sdk/src/generated from the database that the migrations of this checkout make. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { withFreshDatabase } from '../../stack/db/with-fresh-database.ts'
import { StackError } from '../../stack/stack-error.ts'
import { runCommand } from '../../stack/terminal/run-command.ts'
import { generateSdk } from './generate-sdk.ts'
import { GeneratorError } from './generator-error.ts'

runCommand(async (settings) => {
  const files = await withFreshDatabase(settings, generateSdk).catch((cause: unknown) => {
    if (!(cause instanceof GeneratorError)) throw cause
    throw new StackError(
      'refused',
      cause.message,
      'Nothing was written. Correct the SQL, then type it again.',
      {
        cause,
      },
    )
  })
  for (const { path, text } of files) {
    await mkdir(dirname(join(settings.projectDir, path)), { recursive: true })
    await writeFile(join(settings.projectDir, path), text)
    console.log(`Wrote ${path}.`)
  }
  return 0
})
