/** Declarations in database comments: lines that begin with @. */
import { GeneratorError } from '../generator-error.ts'

/** A comment, split into what people read and what the generator is told. */
export type Tags = {
  /** The comment without its tags. */
  text: string
  /** A view's column never holds null although the catalog cannot prove it. */
  isNotNull: boolean
  /** The function whose JSON Schema a function's jsonb result has. */
  returns: string | undefined
  /** Columns of a function's result that may be null; `result` stands for a single value. */
  nullable: string[]
}

/**
 * Reads a comment.
 * @param subject names the commented object in errors
 * @throws GeneratorError on a tag that nobody knows
 */
export function readTags(comment: string, subject: string): Tags {
  const tags: Tags = { text: '', isNotNull: false, returns: undefined, nullable: [] }
  const lines: string[] = []
  for (const line of comment.split('\n')) {
    const [, name, rest] = /^@(\w+)\s*(.*?)\s*$/.exec(line) ?? []
    if (name === undefined || rest === undefined) lines.push(line.trimEnd())
    else if (name === 'notNull' && rest === '') tags.isNotNull = true
    else if (name === 'returns' && /^[a-z_][\w$]*\.[a-z_][\w$]*$/.test(rest)) tags.returns = rest
    else if (name === 'nullable' && rest !== '') tags.nullable.push(...rest.split(/[\s,]+/))
    else {
      throw new GeneratorError(
        `The comment on ${subject} has the line "${line}". Tags are @notNull, @returns <schema>.<function> and @nullable <column>, ….`,
      )
    }
  }
  return {
    ...tags,
    text: lines
      .join('\n')
      .trim()
      .replace(/\n{3,}/g, '\n\n'),
  }
}
