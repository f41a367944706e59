/** Chance that comes out the same every time. */

/** Numbers from 0 to 1 that follow from a seed (the mulberry32 generator). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** One number from 0 to 1 that belongs to these words for ever: what a reader thinks of an item does not change. */
export function fixedChance(...words: (string | number)[]): number {
  let hash = 0x811c9dc5
  for (const letter of words.join('\u0000')) {
    hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0
  }
  return seededRandom(hash)()
}

/** The list in another order. */
export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const left = [...list]
  for (let place = left.length - 1; place > 0; place--) {
    const other = Math.floor(random() * (place + 1))
    ;[left[place], left[other]] = [left[other] as T, left[place] as T]
  }
  return left
}
