import { appendFileSync } from 'node:fs'
import { afterAll, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { FIELD_SETTINGS, makeField } from './matrix/field.ts'
import { owedControls, runInsiders, runMatrix } from './matrix/run.ts'

const db = await testDatabase()
afterAll(() => db.drop())
const say = (text: string) => appendFileSync('/tmp/probe.log', `${text}\n`)
it('x', async () => {
  const api = await testApi(db, { settings: FIELD_SETTINGS })
  const field = await makeField(db, api)
  const inside = await runInsiders(field)
  say(`insiders ${inside.cells} controls ${[...inside.controls]}\n${inside.unexpected.join('\n')}`)
  for (const one of field.world.identities) {
    const t = performance.now()
    const cpu = process.cpuUsage()
    const r = await runMatrix(field, { identities: [one] })
    const owed = owedControls([one], field.surfaces.views).filter((c) => !r.controls.has(c))
    say(
      `${one.name}: ${r.cells} cells ${((performance.now() - t) / 1000).toFixed(1)} s cpu ${process.cpuUsage(cpu).user / 1e6}; missing ${owed}\n${r.unexpected.slice(0, 12).join('\n').slice(0, 4000)}`,
    )
  }
}, 580000)
