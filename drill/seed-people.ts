/** People with a word of their own in every column that can hold one, and their words in the logs. */
import { z } from 'zod'
import { adminUrlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import type { Stack } from '../stack/stack.ts'
import { CAST } from '../test/rules/matrix/people.ts'
import { seedWorld } from '../test/rules/matrix/seed-world.ts'

/** Who is going to be erased: a member of somebody else's organization. */
const LABEL = 'member-a'
const PASSWORD = 'correct horse battery'

/** Sent where an id should be. */
export const MALFORMED_ID = `canary-${LABEL}-log-id`

/** The person, and the words by which they are found. */
export type Subject = { id: string; email: string; password: string; token: string; words: string[] }

const signedUp = z.object({ access_token: z.string(), user: z.looseObject({ id: z.guid() }) })

/** Signs the whole cast up through the API, fills every table for each of them, and leaves words in the logs. */
export async function seedPeople(stack: Stack): Promise<Subject> {
  const ids = new Map<string, string>()
  let token = ''
  for (const { label } of CAST) {
    const answer = await call(stack, 'sign_up', { email: emailOf(label), password: PASSWORD })
    const { user, access_token } = signedUp.parse(answer.body)
    ids.set(label, user.id)
    if (label === LABEL) token = access_token
  }
  await withClient(adminUrlFor(stack.target, stack.target.database), async (superuser) => {
    // Rows are tried until one fits; what the server says about those that do not is no trace of a person.
    await superuser.query('set log_min_messages = panic')
    await superuser.query('begin')
    await seedWorld(superuser, ids)
    await superuser.query('commit')
    // Samples of what people wrote get into the planner's statistics sooner or later.
    await superuser.query('analyze')
  })
  const email = emailOf(LABEL)
  const words = [`canary-${LABEL}-`, `name-${LABEL}-`, email]
  await leaveTracesInLogs(stack, email, token)
  return { id: ids.get(LABEL) ?? '', email, password: PASSWORD, token, words }
}

/** Calls a function of the API. */
export async function call(stack: Stack, name: string, body: object, token?: string) {
  const response = await fetch(`${stack.apiUrl}/rpc/${name}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.json().catch(() => undefined) }
}

/** Requests that go wrong, in ways that tempt a server to write down what it was sent. */
async function leaveTracesInLogs(stack: Stack, email: string, token: string): Promise<void> {
  const word = `canary-${LABEL}-log`
  await call(stack, 'sign_in', { email, password: `${word}-password` })
  await call(stack, 'sign_up', { email, password: PASSWORD })
  await call(stack, 'request_password_reset', { email })
  await call(stack, 'update_profile', { display_name: `${word}\n` }, token)
  await call(stack, `no_such_function_${word}`, {}, token)
  await fetch(`${stack.apiUrl}/sessions?id=eq.${MALFORMED_ID}`, {
    headers: { Authorization: `Bearer ${token}` },
  })
  await fetch(`${stack.apiUrl}/sessions?user_agent=eq.${encodeURIComponent(email)}`, {
    headers: { 'User-Agent': word },
  })
}

function emailOf(label: string): string {
  return `mail-${label}@drill.example`
}
