/** Somebody who says yes to a purpose, through the API, to the words that are asked now. */
import { z } from 'zod'
import type { TestApi } from './api.ts'

const asked = z.tuple([z.looseObject({ version: z.int() })])

/** Fails the test with the server's answer when the purpose is unknown. */
export async function agreeTo(api: TestApi, purpose: string, { token }: { token: string }): Promise<void> {
  const [{ version }] = asked.parse((await api.get(`/consents?purpose=eq.${purpose}`, token)).body)
  const answer = await api.rpc('give_consent', { purpose, version }, token)
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
}
