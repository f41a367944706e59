/** The SDK's surface as the compiler sees it (npm run typecheck); at run time these only have to load. */
import { describe, expectTypeOf, it } from 'vitest'
import type { z } from 'zod'
import {
  type Account,
  type ApiError,
  type args,
  type Database,
  type ErrorKey,
  type FeedbackKind,
  type HowdahClient,
  inserts,
  orThrow,
  type Result,
  type results,
  type rows,
  type Session,
  type shapes,
  type updates,
} from '../../sdk/src/index.ts'

type Api = Database['api']
type Relations = Api['Tables'] & Api['Views']
type Functions = Api['Functions']

declare const client: HowdahClient
/** Never called: what is inside is for the compiler. */
const typed = (_: () => unknown): void => {}

describe('rows', () => {
  it('are the same whether zod or postgrest-typegen says it', () => {
    type ByZod = { -readonly [Name in keyof typeof rows]: z.infer<(typeof rows)[Name]> }
    type ByTypegen = { [Name in keyof Relations]: Relations[Name]['Row'] }
    expectTypeOf<ByZod>().toEqualTypeOf<ByTypegen>()
  })

  it('know nullability, closed sets of values and the shape of JSON', () => {
    expectTypeOf<Account['email']>().toEqualTypeOf<string>()
    expectTypeOf<Account['full_name']>().toEqualTypeOf<string | null>()
    expectTypeOf<Account['role']>().toEqualTypeOf<'user' | 'support' | 'admin'>()
    expectTypeOf<Api['Views']['sessions']['Row']['is_current']>().toEqualTypeOf<boolean>()
    expectTypeOf<Api['Views']['briefings']['Row']['cards']>().toEqualTypeOf<shapes.BriefingCards>()
    expectTypeOf<FeedbackKind>().toEqualTypeOf<
      'like' | 'dislike' | 'save' | 'share' | 'dismiss' | 'click' | 'dwell'
    >()
  })
})

describe('writing', () => {
  it('is typed by what users may write', () => {
    expectTypeOf<z.infer<typeof updates.saved_cards>>().toEqualTypeOf<{
      note?: string | null | undefined
      tags?: string[] | undefined
    }>()
    expectTypeOf(inserts).not.toHaveProperty('saved_cards')
    typed(() =>
      client
        .from('saved_cards')
        .update({ note: 'mine', tags: ['a'] })
        .eq('id', 'x'),
    )
    // @ts-expect-error the card itself is a copy that nobody changes
    typed(() => client.from('saved_cards').update({ card: {} }))
    // @ts-expect-error accounts are read-only
    typed(() => client.from('users').update({ email: 'x' }))
    // @ts-expect-error there is no such view
    typed(() => client.from('passwords'))
    // @ts-expect-error there is no such column
    typed(() => client.from('saved_cards').update({ colour: 'red' }))
  })
})

describe('functions', () => {
  it('take what zod says they take', () => {
    type Taken = { [Name in keyof Functions]: Functions[Name]['Args'] }
    type Parsed = { [Name in keyof typeof args]: z.input<(typeof args)[Name]> }
    expectTypeOf<keyof Parsed>().toEqualTypeOf<keyof Taken>()
    expectTypeOf<Taken['sign_up']>().toExtend<Parsed['sign_up']>()
    expectTypeOf<Taken['give_feedback']>().toExtend<Parsed['give_feedback']>()
    expectTypeOf<Functions['sign_in']['Args']['device_name']>().toEqualTypeOf<string | null | undefined>()
    // @ts-expect-error the password is missing
    typed(() => client.rpc('sign_in', { email: 'ada@example.com' }))
    // @ts-expect-error there is no such argument
    typed(() => client.rpc('follow_topic', { slug: 'space' }))
  })

  it('answer with what zod says they answer', () => {
    expectTypeOf<z.infer<typeof results.sign_in>>().toEqualTypeOf<Functions['sign_in']['Returns']>()
    expectTypeOf<z.infer<typeof results.sign_out>>().toEqualTypeOf<null>()
    expectTypeOf<z.infer<typeof results.me>>().toEqualTypeOf<Account[]>()
    typed(async () => {
      expectTypeOf(await orThrow(client.rpc('me'))).toEqualTypeOf<Account[]>()
      expectTypeOf(await orThrow(client.rpc('me').single())).toEqualTypeOf<Account>()
      expectTypeOf(await orThrow(client.rpc('health'))).toEqualTypeOf<
        { checked_at: string; status: string }[]
      >()
    })
  })
})

describe('the client', () => {
  it('gives data or throws', () => {
    typed(async () => {
      expectTypeOf(await orThrow(client.from('users').select('id, full_name'))).toEqualTypeOf<
        { id: string; full_name: string | null }[]
      >()
      expectTypeOf(await orThrow(client.auth.getUser())).toEqualTypeOf<Account>()
      expectTypeOf(await orThrow(client.auth.signOut())).toEqualTypeOf<null>()
      expectTypeOf((await orThrow(client.briefings.today())).cards).toEqualTypeOf<shapes.BriefingCards>()
    })
    expectTypeOf<HowdahClient['auth']['signIn']>().returns.resolves.toEqualTypeOf<Result<Session>>()
  })

  it('reacts with the kinds there are', () => {
    typed(() => client.briefings.feedback('id', 'like'))
    typed(() => client.briefings.feedback('id', { kind: 'dwell', dwellSeconds: 40 }))
    // @ts-expect-error dwell needs seconds
    typed(() => client.briefings.feedback('id', 'dwell'))
    // @ts-expect-error there is no such kind
    typed(() => client.briefings.feedback('id', 'love'))
  })

  it('has errors whose keys are known, and open for more', () => {
    expectTypeOf<'unknown_topic'>().toExtend<ErrorKey>()
    expectTypeOf<'no_such_key'>().not.toExtend<ErrorKey>()
    expectTypeOf<'no_such_key'>().toExtend<ApiError['key']>()
  })
})
