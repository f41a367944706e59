/** The images docker-compose.yml names, so that tests and deployment cannot drift apart. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { PROJECT_DIR } from '../../stack/project-dir.ts'

const composeFile = z.looseObject({
  services: z.record(z.string(), z.looseObject({ image: z.string().optional() })),
})

/** The image whose repository ends in `/<name>` or is `<name>`, for instance "postgres" or "postgrest". */
export function composeImage(name: string, env: NodeJS.ProcessEnv = process.env): string {
  const path = join(PROJECT_DIR, 'docker-compose.yml')
  const { services } = composeFile.parse(parse(readFileSync(path, 'utf8')))
  const images = Object.values(services).flatMap(({ image }) => (image ? [interpolate(image, env)] : []))
  const found = images.find((image) => repositoryName(image) === name)
  if (!found) throw new Error(`${path} names no image "${name}"; it has: ${images.join(', ')}`)
  return found
}

/** ${NAME:-default}, the one form of interpolation our compose file uses for images. */
function interpolate(text: string, env: NodeJS.ProcessEnv): string {
  return text.replace(/\$\{(\w+):?-([^}]*)\}/g, (_, name: string, fallback: string) => env[name] || fallback)
}

function repositoryName(image: string): string | undefined {
  return image.split('@')[0]?.split('/').pop()?.split(':')[0]
}
