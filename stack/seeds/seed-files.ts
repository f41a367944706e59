/** Finds the SQL files of a seed folder, in module order. seeds/README.md states the convention. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { moduleOrder } from './module-order.ts'

/** One file of seeds/. */
export type SeedFile = { path: string; name: string; sql: string }

/** The *.sql files of seeds/<folder>, <module>.sql or <module>.<topic>.sql; modules in their order, others after them. */
export async function seedFiles(projectDir: string, folder: string): Promise<SeedFile[]> {
  const path = join(projectDir, 'seeds', folder)
  const names = (await readdirOrNothing(path)).filter((name) => name.endsWith('.sql')).sort()
  const order = await moduleOrder(projectDir)
  const rank = (name: string) => {
    const index = order.indexOf(name.split('.', 1)[0] ?? '')
    return index === -1 ? order.length : index
  }
  names.sort((a, b) => rank(a) - rank(b))
  return Promise.all(
    names.map(async (name) => ({
      path: join('seeds', folder, name),
      name,
      sql: await readFile(join(path, name), 'utf8'),
    })),
  )
}

/** A folder comes into being with its first file; until then there is nothing to run. */
async function readdirOrNothing(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
