/** ops.register_event_schema: properties of registered events keep their shape, and a wrong schema is refused at once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { event } from './events.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const register = (name: string | null, schema: unknown) =>
  db.owner.query('select ops.register_event_schema($1, $2)', [name, JSON.stringify(schema)])
const track = (properties: Record<string, unknown>, name = 'cart.filled') =>
  api.rpc('track_events', { events: [event({ name, properties })] })

const CART = {
  type: 'object',
  required: ['items'],
  additionalProperties: false,
  properties: {
    items: { type: 'integer', minimum: 1 },
    coupon: { type: ['string', 'null'], pattern: '^[A-Z]+$' },
    tags: { type: 'array', items: { type: 'string' }, uniqueItems: true },
  },
}

test('properties that do not fit are refused, others are stored; events without a schema are free', async () => {
  await register('cart.filled', CART)
  for (const good of [{ items: 1 }, { items: 2, coupon: null }, { items: 3, coupon: 'X', tags: ['a'] }])
    expect((await track(good)).body).toMatchObject({ accepted: 1, refused: [] })
  for (const bad of [
    {},
    { items: 0 },
    { items: 1.5 },
    { items: 1, coupon: 'x' },
    { items: 1, more: 1 },
    { items: 1, tags: ['a', 'a'] },
  ])
    expect((await track(bad)).body).toMatchObject({ refused: [{ key: 'event_properties_refused' }] })
  expect((await track({}, 'cart.left')).body).toMatchObject({ accepted: 1 })
})

test('a new schema replaces the old one, and a forgotten one binds nobody', async () => {
  await register('cart.filled', { type: 'object', required: ['total'] })
  expect((await track({ total: 1 })).body).toMatchObject({ accepted: 1 })
  const forget = () => db.owner.query(`select ops.forget_event_schema('cart.filled') as was_there`)
  expect((await forget()).rows).toEqual([{ was_there: true }])
  expect((await forget()).rows).toEqual([{ was_there: false }])
  expect((await track({})).body).toMatchObject({ accepted: 1 })
})

test('where only registered events are taken, others are refused (event_name_unknown)', async () => {
  await register('known', {})
  await db.owner.query(`select ops.set_setting('analytics_accept_unregistered', 'false')`)
  expect((await track({}, 'known')).body).toMatchObject({ accepted: 1 })
  expect((await track({}, 'unknown')).body).toMatchObject({ refused: [{ key: 'event_name_unknown' }] })
  await db.owner.query(`select ops.set_setting('analytics_accept_unregistered', 'true')`)
})

describe('refuses', () => {
  test.each([null, '', 'Has Blank', 'a'.repeat(65), `x'`])(
    'the name %j (event_name_invalid)',
    async (name) => {
      await expect(register(name, {})).rejects.toMatchObject({ code: 'PT400', message: 'event_name_invalid' })
    },
  )

  test.each<[string, unknown]>([
    ['$ is no object', []],
    ['$.oneOf', { oneOf: [] }],
    ['$.type', { type: 'decimal' }],
    ['$.type', { type: ['string', 'decimal'] }],
    ['$.type', { type: [] }],
    ['$.type', { type: null }],
    ['$.required', { required: [1] }],
    ['$.properties', { properties: [] }],
    ['$.properties.a.minLength', { properties: { a: { minLength: 'x' } } }],
    ['$.properties.a.maxLength', { properties: { a: { maxLength: 1e12 } } }],
    ['$.properties.a.items.maximum', { properties: { a: { items: { maximum: '1' } } } }],
    ['$.pattern', { pattern: '(' }],
    ['$.pattern', { pattern: 1 }],
    ['$.format', { format: 'email' }],
    ['$.additionalProperties', { additionalProperties: {} }],
  ])('a schema with a wrong %s (event_schema_invalid)', async (place, schema) => {
    await expect(register('x', schema)).rejects.toMatchObject({
      code: 'PT400',
      message: 'event_schema_invalid',
      detail: expect.stringContaining(place),
    })
  })
})
