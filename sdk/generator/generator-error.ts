/** What the generator throws when the database cannot be turned into an SDK. */

/** A refusal with a sentence that says what was read, which value, and what to do. */
export class GeneratorError extends Error {
  override readonly name = 'GeneratorError'
}
