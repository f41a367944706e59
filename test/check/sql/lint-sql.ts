/** All rules over all files. Tests hand in made-up files; the command hands in the project's. */
import { definedInFixtures, definedOnce, reached } from './complete.ts'
import { dynamicSql } from './dynamic-sql.ts'
import { literalKeys } from './error-keys.ts'
import type { Finding } from './finding.ts'
import { definerComment, pinnedPath, revokedFromPublic } from './functions.ts'
import { type ParsedFile, parseFile } from './parse.ts'
import { plpgsqlBody } from './plpgsql.ts'
import { noPathInMigrations, policyShape, viewShape } from './policies-and-views.ts'
import { REVIEWED_EXECUTES, type Reviewed } from './reviewed-executes/reviewed.ts'
import { eachStatement, type Rule } from './rule.ts'
import type { SqlFile } from './sql-file.ts'
import { stateless } from './stateless.ts'

const MAX_FIXTURE_LINES = 300

/** What was looked at, and what was found. */
export type LintResult = { files: number; statements: number; functions: number; findings: Finding[] }

/** Runs every rule. */
export function lintSql(files: SqlFile[], reviewed: readonly Reviewed[] = REVIEWED_EXECUTES): LintResult {
  const parsed = files.map(parseFile)
  const rules: Rule[] = [
    syntax,
    plpgsqlSyntax,
    length,
    stateless,
    definedOnce,
    definedInFixtures,
    reached,
    revokedFromPublic,
    pinnedPath,
    definerComment,
    policyShape,
    viewShape,
    noPathInMigrations,
    literalKeys,
    dynamicSql(reviewed),
  ]
  const statements = parsed.flatMap((file) => file.statements)
  return {
    files: files.length,
    statements: statements.length,
    functions: statements.filter(({ kind }) => kind === 'CreateFunctionStmt').length,
    findings: rules
      .flatMap((rule) => rule(parsed))
      .sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line),
  }
}

const syntax: Rule = (files) => files.flatMap((file) => file.findings)

const plpgsqlSyntax = eachStatement(
  'plpgsql',
  ['fixture', 'current', 'committed', 'rollback', 'setup', 'seed'],
  (statement) => {
    const body = plpgsqlBody(statement)
    return body && 'error' in body ? [`the body does not parse: ${body.error}`] : []
  },
)

const length: Rule = (files: ParsedFile[]) =>
  files
    .filter(({ kind, text }) => kind === 'fixture' && text.trimEnd().split('\n').length > MAX_FIXTURE_LINES)
    .map(({ path, text }) => ({
      file: path,
      line: MAX_FIXTURE_LINES + 1,
      rule: 'length',
      sentence: `has ${text.trimEnd().split('\n').length} lines, more than ${MAX_FIXTURE_LINES}; split it`,
    }))
