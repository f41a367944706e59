/** People for tests, made by the API itself and never by inserts. */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { TestApi } from './api.ts'

const signedUp = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  user: z.looseObject({ id: z.guid() }),
})

/** Someone who has an account and is signed in. */
export type Person = {
  id: string
  email: string
  password: string
  token: string
  refreshToken: string
  /** The user object of the answer. */
  user: z.infer<typeof signedUp>['user']
}

/** What sign_up takes; what is left out is made up. */
export type SignUpArguments = {
  email?: string
  password?: string
  display_name?: string
  timezone?: string
  locale?: string
}

/** Signs somebody up; fails the test with the server's answer when it is refused. */
export async function signUp(api: TestApi, given: SignUpArguments = {}): Promise<Person> {
  const email = given.email ?? `someone-${randomBytes(4).toString('hex')}@example.com`
  const password = given.password ?? 'correct horse battery'
  const answer = await api.rpc('sign_up', { ...given, email, password })
  if (answer.status !== 200) {
    throw new Error(`sign_up of ${email} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  }
  const { user, access_token: token, refresh_token: refreshToken } = signedUp.parse(answer.body)
  return { id: user.id, email, password, token, refreshToken, user }
}
