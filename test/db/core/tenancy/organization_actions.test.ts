/** The table of docs/tenancy.md says what core.organization_actions() says; an unknown action is nobody's. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

const PAGE = fileURLToPath(new URL('../../../../docs/tenancy.md', import.meta.url))
const ROLES = ['owner', 'admin', 'billing', 'member']

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

test('the page and the database say the same', async () => {
  const { rows } = await db.owner.query('select action, roles, summary from core.organization_actions()')
  expect(rows.length).toBeGreaterThan(5)
  const page = await readFile(PAGE, 'utf8')
  const lines = page.split('\n').filter((line) => /^\| `\w+` \| (yes|) ?\|/.test(line))
  expect(lines).toEqual(
    rows.map(({ action, roles, summary }) => {
      const cells = ROLES.map((role) => (roles.includes(role) ? ' yes ' : ' '))
      return `| \`${action}\` |${cells.join('|')}| ${summary} |`
    }),
  )
})

test('an action that nobody wrote down is allowed to nobody (organization_role_required)', async () => {
  const { rows } = await db.owner.query(
    `with who as (insert into core.users (email) values ('ada@example.com') returning id),
      made as (insert into core.organizations (name, slug) values ('Acme', 'acme') returning id),
      joined as (insert into core.organization_members select made.id, who.id, 'owner' from made, who)
    select who.id as sub, made.id from who, made`,
  )
  const ask = db.session({ role: 'howdah_user', claims: { sub: rows[0].sub } }, (client) =>
    client.query(`select core.require_organization_role($1, core.organization_roles_for('burn_it_down'))`, [
      rows[0].id,
    ]),
  )
  await expect(ask).rejects.toThrow('organization_role_required')
})
