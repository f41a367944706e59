/** `npm run check`: every SQL file against the rules that need no database. */
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import { blankFindings, currentOnMain } from './sql/blank.ts'
import { printFinding } from './sql/finding.ts'
import { lintSql } from './sql/lint-sql.ts'
import { readSqlFiles } from './sql/sql-file.ts'
import { runSquawk } from './sql/squawk.ts'

const files = readSqlFiles()
const { findings, statements, functions } = lintSql(files)

const committed = files.filter(({ kind }) => kind === 'committed')
if (committed.length > 0) {
  const onMain = currentOnMain(PROJECT_DIR)
  if (onMain === undefined) console.log('sql-lint: no main to be seen here, so "blank" was not checked')
  else findings.push(...blankFindings(onMain))
}
const squawk = committed.flatMap((file) => runSquawk(PROJECT_DIR, file))

for (const finding of findings) console.error(printFinding(finding))
for (const line of squawk) console.error(line)
console.log(
  `sql-lint: ${files.length} files, ${statements} statements, ${functions} functions, ` +
    `${committed.length} committed migrations through squawk: ${findings.length + squawk.length} findings`,
)
if (files.length === 0 || functions === 0)
  throw new Error('sql-lint looked at nothing; are the migrations there?')
process.exitCode = findings.length + squawk.length > 0 ? 1 : 0
