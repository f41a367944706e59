/** Tokens that prove to a provider who we are: made or fetched when needed, kept while they are good. */

/** Where a connector gets its bearer token. */
export type BearerTokens = {
  get(signal: AbortSignal): Promise<string>
  /** The provider refused the one it got: the next get() makes another. */
  forget(): void
}

/** A token and how long it may be used. */
export type FreshToken = { token: string; lifetimeMs: number }

/** Keeps what `make` makes; several that ask at once wait for the same one. `now` is for tests. */
export function keptToken(make: (signal: AbortSignal) => Promise<FreshToken>, now = Date.now): BearerTokens {
  let kept: { token: Promise<string>; goodUntil: number } | undefined
  return {
    get: (signal) => {
      if (kept && kept.goodUntil > now()) return kept.token
      const made = make(signal)
      const entry = { token: made.then(({ token }) => token), goodUntil: Number.POSITIVE_INFINITY }
      kept = entry
      made.then(
        ({ lifetimeMs }) => {
          entry.goodUntil = now() + lifetimeMs
        },
        () => {
          if (kept === entry) kept = undefined
        },
      )
      return entry.token
    },
    forget: () => {
      kept = undefined
    },
  }
}
