/** What a rule is: parsed files in, findings out. */
import type { Finding } from './finding.ts'
import type { ParsedFile, Statement } from './parse.ts'

/** A rule over all files at once. */
export type Rule = (files: ParsedFile[]) => Finding[]

/** A rule that looks at one statement at a time; answers with sentences. */
export function eachStatement(
  rule: string,
  kinds: readonly ParsedFile['kind'][],
  look: (statement: Statement, file: ParsedFile) => string[],
): Rule {
  return (files) =>
    files
      .filter((file) => kinds.includes(file.kind))
      .flatMap((file) =>
        file.statements.flatMap((statement) =>
          look(statement, file).map((sentence) => ({
            file: file.path,
            line: statement.line,
            rule,
            sentence,
          })),
        ),
      )
}
