/** npm run feeds:check -- <file or folder…>: what would these files give? Reads only, needs no database. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { program } from 'commander'
import { StackError } from '../../stack/stack-error.ts'
import { printError } from '../../stack/terminal/print-error.ts'
import { renderTable } from '../../stack/terminal/table.ts'
import { createFeedReader, type FeedReader } from '../feeds/feed-reader.ts'
import { isFeedError } from '../worker-error.ts'
import { typedPath } from './typed-path.ts'

program
  .name('feeds:check')
  .description('Reads feed files as the worker would, and prints what came out.')
  .argument('<path...>', 'files, or folders with files')
  .option('--json', 'print everything that was read, one line for each file')
  .action(async (paths: string[], options: { json?: boolean }) => {
    await using reader = createFeedReader()
    const rows: string[][] = []
    for (const path of (await Promise.all(paths.map((path) => filesOf(typedPath(path))))).flat()) {
      const checked = await check(reader, path)
      if (options.json) console.log(JSON.stringify(checked))
      else rows.push(row(checked))
    }
    if (options.json) return
    const heads = ['file', 'format', 'items', 'undated', 'left out', 'language', 'ms', 'title or error']
    console.log(renderTable(heads, rows))
  })
await program.parseAsync().catch((error: unknown) => {
  printError(error)
  process.exitCode = 1
})

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: Error) => {
    const hint = 'Check the path; it is taken from the folder you are in.'
    throw new StackError('refused', `The feeds in ${path} cannot be read: ${cause.message}.`, hint, { cause })
  })
  if (!found.isDirectory()) return [path]
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

type Checked = Awaited<ReturnType<typeof check>>

async function check(reader: FeedReader, path: string) {
  const started = performance.now()
  const took = () => Math.round(performance.now() - started)
  try {
    const read = await reader.read(await readFile(path), { now: new Date() })
    return { path, ms: took(), read }
  } catch (error) {
    if (!isFeedError(error)) throw error
    return { path, ms: took(), error: error.toJSON() }
  }
}

function row(checked: Checked): string[] {
  const name = checked.path.slice(-50)
  const { read, error, ms } = checked
  if (!read) return [name, '', '', '', '', '', String(ms), `${error.key}: ${error.message}`]
  const { feed, leftOut, format } = read
  const undated = feed.items.filter((item) => item.published_at === null).length
  const left = leftOut.empty + leftOut.duplicates + leftOut.overLimit
  const figures = [feed.items.length, undated, left].map(String)
  return [
    name,
    read.isSalvaged ? `${format}, broken` : format,
    ...figures,
    feed.language ?? '?',
    String(ms),
    (feed.title ?? '').slice(0, 50),
  ]
}
