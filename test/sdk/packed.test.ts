/** The package as its users get it: packed, installed, imported, required, type-checked, run against a real API. */
import { execFile } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'howdah-sdk-'))
const installed = join(folder, 'node_modules', '@howdah', 'sdk')
const db = await testDatabase()
const api = await testApi(db)

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await db.drop()
})

beforeAll(async () => {
  await run('npm', ['pack', '--workspace', 'sdk', '--pack-destination', folder], { cwd: PROJECT_DIR })
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? ''
  mkdirSync(installed, { recursive: true })
  await run('tar', ['-xzf', join(folder, tarball), '-C', installed, '--strip-components=1'])
  // Its dependencies from this checkout: no registry is asked.
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    const target = join(folder, 'node_modules', name)
    mkdirSync(join(target, '..'), { recursive: true })
    symlinkSync(join(PROJECT_DIR, 'node_modules', name), target)
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }')
}, 60_000)

/** Writes a program beside the installed package and runs it. */
async function program(name: string, text: string): Promise<unknown> {
  writeFileSync(join(folder, name), text)
  const { stdout } = await run(process.execPath, [name, api.url], { cwd: folder })
  return JSON.parse(stdout)
}

describe('the packed SDK', () => {
  it('holds what its manifest names, and no sources or tests', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
    const files = readdirSync(installed, { recursive: true }).map(String)
    for (const path of [...Object.values<string>(manifest.exports['.']), './README.md', './LICENSE']) {
      expect(files, path).toContain(path.replace('./', ''))
    }
    const code = files.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    expect(code).toEqual([])
    expect(files.filter((path) => /generator|test|tsconfig/.test(path))).toEqual([])
  })

  it('signs up, reads and is refused, as a module', async () => {
    const said = await program(
      'reader.js',
      `import { createClient, isApiError, orThrow, rows } from '@howdah/sdk'
       const client = createClient({ url: process.argv[2] })
       await orThrow(client.auth.signUp({ email: 'packed@example.com', password: 'correct horse battery' }))
       const { email } = rows.users.parse(await orThrow(client.auth.getUser()))
       const briefing = await orThrow(client.briefings.today())
       await orThrow(client.auth.signOut())
       const error = await orThrow(client.briefings.today()).catch((caught) => caught)
       console.log(JSON.stringify({ email, edition: briefing.edition, isApiError: isApiError(error), key: error.key }))`,
    )
    expect(said).toEqual({
      email: 'packed@example.com',
      edition: 'daily',
      isApiError: true,
      key: 'not_allowed',
    })
  })

  it('can be required', async () => {
    const said = await program(
      'reader.cjs',
      `const { createClient } = require('@howdah/sdk')
       createClient({ url: process.argv[2] }).rpc('health').single()
         .then(({ data }) => console.log(JSON.stringify(data.status)))`,
    )
    expect(said).toBe('ok')
  })

  it.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])(
    'has types, and examples in its README that compile (module %s, resolution %s)',
    async (module, moduleResolution) => {
      const examples = [...readFileSync(join(installed, 'README.md'), 'utf8').matchAll(/```ts\n(.*?)```/gs)]
      expect(examples.length).toBeGreaterThan(3)
      for (const [at, [, text]] of examples.entries())
        writeFileSync(join(folder, `example-${at}.ts`), text ?? '')
      writeFileSync(
        join(folder, 'wrong.ts'),
        `import { createClient } from '@howdah/sdk'
       // @ts-expect-error there is no such view
       createClient({ url: '' }).from('nowhere')`,
      )
      const compilerOptions = {
        module,
        moduleResolution,
        target: 'es2022',
        lib: ['es2022', 'dom'],
        types: [],
        strict: true,
        noEmit: true,
      }
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
      const tsc = join(PROJECT_DIR, 'node_modules', 'typescript', 'bin', 'tsc')
      const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch((error) => error)
      expect(stdout).toBe('')
    },
  )
})
