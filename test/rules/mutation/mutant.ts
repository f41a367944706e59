/** One line of defence, taken away. */

/** A hole, and where it could be noticed. */
export type Mutant = {
  /** What was done to what kind of object, for example `using (true)`. */
  kind: string
  /** A sentence that is unique. */
  what: string
  sql: string
  /** Tables, views and functions by name: the cells about these are tried. */
  objects: string[]
  /** The one role it concerns. (Default: all) */
  role?: string
  /** The one verb it concerns, as its cells are named. (Default: all) */
  verb?: string
}

/** Sorted by name, so that every run is the same. */
export function sorted(mutants: Mutant[]): Mutant[] {
  const names = new Set(mutants.map(({ what }) => what))
  if (names.size !== mutants.length) throw new Error('two mutants have one name')
  return mutants.sort((a, b) => (a.what < b.what ? -1 : 1))
}
