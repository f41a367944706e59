/** A session as the SDK keeps it. */
import { z } from 'zod'
import { type SessionAnswer, sessionAnswer } from '../generated/shapes.ts'

/** Not strict: a newer server may say more about a user. */
const user = z.object(sessionAnswer.shape.user.shape)

/** What sign_in, sign_up and refresh_session answer with; what a newer server adds is dropped. */
export const receivedSession = z.object({ ...sessionAnswer.shape, user })

const session = z.object({
  accessToken: z.string().min(1),
  refreshToken: z.string().min(1),
  /** When the access token expires, by this machine's clock, in milliseconds since 1970. */
  expiresAt: z.number(),
  user,
})

/** Who is signed in, and with what. */
export type Session = z.infer<typeof session>

/** The person of a session. */
export type SessionUser = Session['user']

/** Makes a session of an answer that came at `now` (milliseconds since 1970). */
export function sessionFrom(answer: SessionAnswer, now: number): Session {
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    // By our clock and the lifetime: the server's clock may be another.
    expiresAt: now + answer.expires_in * 1000,
    user: answer.user,
  }
}

/** Reads a stored session; undefined when the text is no session (any more). */
export function parseSession(text: string): Session | undefined {
  try {
    return session.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
