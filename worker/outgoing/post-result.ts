/** What became of a POST that must not be made twice: answered, certainly not sent, or nobody knows. */

/** A request as it goes over the wire. `method` is always POST. */
export type PostRequest = { url: string; headers: Record<string, string>; body: Buffer }

/** `lost`: something went out and no answer came back. */
export type PostResult =
  | { kind: 'answer'; status: number; retryAfter: string | undefined; body: string }
  | { kind: 'not_sent'; error: string }
  | { kind: 'lost'; error: string }

/** Posts once. Never throws for what the network does; the result says it. */
export type Post = (request: PostRequest, signal: AbortSignal) => Promise<PostResult>
