/**
 * The cast: two tenants, and everybody who stands in some relation to them. Each label is part of every word of theirs:
 * `canary-<label>-` is nobody else's business, `name-<label>` is for those who share an organization, `mail-<label>@` for
 * those who run one of theirs.
 */

/** A person, the organization they own, and those they join. */
export type Part = {
  label: string
  /** What the attacks call them. */
  name: string
  /** Organizations by the label of their owner, with the role there. */
  joins: Readonly<Record<string, 'admin' | 'member'>>
  /** Owns an organization with teams, workspaces and a workspace that is closed to plain members. */
  ownsOne: boolean
  /** Whom they attack, by name. */
  victim: string
}

/** Owners first: the others join them. */
export const CAST: readonly Part[] = [
  { label: 'a', name: 'user A', joins: {}, ownsOne: true, victim: 'user B' },
  { label: 'b', name: 'user B', joins: {}, ownsOne: true, victim: 'user A' },
  { label: 'admin', name: 'admin', joins: {}, ownsOne: true, victim: 'user B' },
  { label: 'suspended', name: 'suspended', joins: { a: 'member' }, ownsOne: false, victim: 'user B' },
  { label: 'chief-a', name: 'admin of A', joins: { a: 'admin' }, ownsOne: false, victim: 'user B' },
  { label: 'member-a', name: 'member of A', joins: { a: 'member' }, ownsOne: false, victim: 'user B' },
  { label: 'member-b', name: 'member of B', joins: { b: 'member' }, ownsOne: false, victim: 'user A' },
  {
    label: 'both',
    name: 'member of both',
    joins: { a: 'member', b: 'member' },
    ownsOne: false,
    victim: 'admin',
  },
  { label: 'removed', name: 'removed from A', joins: { a: 'member' }, ownsOne: false, victim: 'user A' },
]

/** Is a member while the rows are made, and out before the first attack; the token stays valid. */
export const REMOVED = 'removed'

/** Whose account is suspended before the first attack. */
export const SUSPENDED = 'suspended'

/** Organizations of a person as attacks find them, by the label of their owner. */
export function organizationsOf({ label, joins, ownsOne }: Part): Readonly<Record<string, string>> {
  if (label === REMOVED) return {}
  return ownsOne ? { ...joins, [label]: 'owner' } : joins
}

/** The words that a person must never read, by what the cast says. */
export function forbiddenWords(me: Part | undefined): string[] {
  const mine = me ? organizationsOf(me) : {}
  const runs = (label: string) => ['owner', 'admin'].includes(mine[label] ?? '')
  const words: string[] = []
  for (const other of CAST) {
    const { label } = other
    if (other.ownsOne && !(label in mine)) words.push(`canary-org-${label}-`)
    if (other.ownsOne && !runs(label)) words.push(`canary-closed-${label}-`)
    if (label === me?.label) continue
    const shared = Object.keys(organizationsOf(other)).filter((organization) => organization in mine)
    // The second: plans that are not for sale; one's own plan may be one.
    words.push(`canary-${label}-`, `canary-hidden-${label}-`)
    if (shared.length === 0) words.push(`name-${label}-`)
    if (!shared.some(runs)) words.push(`mail-${label}@`)
  }
  return words
}
