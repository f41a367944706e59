/** What a person sees when everything is up: where it is, and what to type next. README.md shows the same commands. */
import { DEMO_ACCOUNT } from '../seeds/demo.ts'
import type { Settings } from '../settings.ts'
import type { Stack } from '../stack.ts'
import { renderTable } from './table.ts'

/** The table of addresses and the next commands; with the demo account only where it exists. */
export function startSummary(
  stack: Pick<Stack, 'apiUrl' | 'ports'>,
  settings: Pick<Settings, 'databaseUrl' | 'dataDir'>,
  hasDemo: boolean,
): string {
  const rows = [
    ['API', stack.apiUrl],
    ['health', `${stack.apiUrl}/rpc/health`],
    [
      'database',
      settings.databaseUrl ? new URL(settings.databaseUrl).host : `127.0.0.1:${stack.ports.database}`,
    ],
    ['data folder', settings.dataDir],
    ...(hasDemo ? [['demo account', `${DEMO_ACCOUNT.email} / ${DEMO_ACCOUNT.password}`]] : []),
  ]
  const isElsewhere = process.env['HOWDAH_DATA_DIR'] || settings.databaseUrl
  const where = `in a second terminal${isElsewhere ? ' (db:sql needs the same HOWDAH_ variables)' : ''}`
  return `${renderTable([], rows)}\n\nTry next, ${where}:\n${nextCommands(stack.apiUrl, hasDemo)}`
}

/** Signs in, asks for the briefing, and looks at it as the operator: HTTP and SQL show the same rows. */
function nextCommands(api: string, hasDemo: boolean): string {
  const person = hasDemo ? DEMO_ACCOUNT : { email: 'you@example.com', password: 'correct horse battery' }
  const door = hasDemo ? 'sign_in' : 'sign_up'
  return String.raw`
  TOKEN=$(curl -s ${api}/rpc/${door} \
    -H 'Content-Type: application/json' \
    -d '${JSON.stringify(person)}' \
    | sed 's/.*"access_token": *"\([^"]*\)".*/\1/')

  curl -s -X POST ${api}/rpc/today_briefing \
    -H "Authorization: Bearer $TOKEN"

  npm run db:sql -- "select act_as('${person.email}');
    select card->>'reason' as why, left(card->>'title', 36) as what
    from api.briefings, jsonb_array_elements(cards) as card"`.slice(1)
}
