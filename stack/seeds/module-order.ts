/** The modules in the order in which they know each other: that of migrations/fixtures/index.sql. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Module names, each once, in the order of their first mention. */
export async function moduleOrder(projectDir: string): Promise<string[]> {
  const index = await readFile(join(projectDir, 'migrations', 'fixtures', 'index.sql'), 'utf8')
  return [...new Set([...index.matchAll(/^--!\s*include\s+(\w+)\//gm)].map((match) => match[1] ?? ''))]
}
