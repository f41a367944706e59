/** Walks over the code points of a pattern. */
import { UntranslatablePattern } from './untranslatable-pattern.ts'

/** A position in a pattern. */
export class PatternReader {
  readonly #points: string[]
  #index = 0

  constructor(pattern: string) {
    this.#points = [...pattern]
  }

  /** The code point here, or `ahead` of here, without moving on. */
  peek(ahead = 0): string | undefined {
    return this.#points[this.#index + ahead]
  }

  /** The code point here, moving on. */
  next(): string {
    const point = this.#points[this.#index++]
    if (point === undefined) throw new UntranslatablePattern('the pattern ends too early')
    return point
  }
}
