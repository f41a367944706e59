/** What db:sql gives back for what an operator types. */
import { afterAll, describe, expect, it } from 'vitest'
import { runSql } from '../../stack/db/sql.ts'
import { testDatabase } from '../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

describe('db:sql', () => {
  it('runs as the owner and shows values as Postgres prints them', async () => {
    const { results, error } = await runSql(
      db.target,
      `select current_user as who, null as nothing, 9007199254740993 as big, '{1,2}'::int[] as list`,
    )
    expect(error).toBeUndefined()
    expect(results).toEqual([
      {
        columns: ['who', 'nothing', 'big', 'list'],
        rows: [['howdah_migrations', null, '9007199254740993', '{1,2}']],
        tag: 'SELECT 1',
      },
    ])
  })

  it('runs several statements as one transaction and keeps notices', async () => {
    const { results, notices } = await runSql(
      db.target,
      `create table core.typed (id int); insert into core.typed values (1), (2); do $$begin raise notice 'hello'; end$$`,
    )
    expect(results.map((result) => result.tag)).toEqual(['CREATE', 'INSERT 2', 'DO'])
    expect(notices).toEqual(['NOTICE: hello'])
    const failed = await runSql(db.target, 'insert into core.typed values (3);\nselect 1 / 0')
    expect(failed.error).toMatchObject({ code: '22012', message: 'division by zero' })
    const { results: after } = await runSql(db.target, 'select count(*) from core.typed')
    expect(after[0]?.rows).toEqual([['2']])
  })

  it('shows detail, hint and the line of a mistake', async () => {
    const { error } = await runSql(db.target, 'select *\nfrom core.userz')
    expect(error).toMatchObject({ code: '42P01', line: 2, text: 'from core.userz' })
    const unknown = await runSql(db.target, 'select core.nowhere(1)')
    expect(unknown.error?.hint).toMatch(/No function matches/)
  })
})
