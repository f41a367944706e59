/** O-24: what we ask of docker-compose.yml beyond being valid. */
import type { ComposeFile, ComposeService } from './compose-file.ts'

/** A rule for one service; answers with what is wrong, as the end of a sentence that begins with its name. */
type ServiceRule = (service: ComposeService, file: ComposeFile, name: string) => string[]

/** Ports that nobody but neighbours may reach, whatever they are called outside. */
const DATA_PORTS = ['5432', '6432', '6379']
const SECRET_NAME = /PASSWORD|SECRET|TOKEN|_KEY$/

const RULES: readonly ServiceRule[] = [
  ({ ports }) =>
    ports.flatMap((port) => {
      const text = String(typeof port === 'object' ? JSON.stringify(port) : port)
      if (typeof port === 'object')
        return [`publishes ${text} in the long form; write it as 127.0.0.1:outside:inside`]
      const inside = text.split(':').pop()?.split('/')[0] ?? ''
      if (DATA_PORTS.includes(inside))
        return [`publishes the database's port (${text}); neighbours reach it without`]
      return text.startsWith('127.0.0.1:')
        ? []
        : [`publishes ${text} to the world; write 127.0.0.1:${text} and put a proxy before it`]
    }),
  ({ environment }) =>
    Object.entries(environment).flatMap(([key, value]) => {
      const text = String(value ?? '')
      if (SECRET_NAME.test(key) && !/^\$\{\w+:\?[^}]+\}$/.test(text)) {
        return [
          `sets ${key} to something else than \${VARIABLE:?sentence}; a default would be everybody's password`,
        ]
      }
      const inUrl = /:\/\/[^/@\s:]*:(.*)@/.exec(text)?.[1]
      if (inUrl !== undefined && !/^\$\{\w+:\?[^}]+\}$/.test(inUrl)) {
        return [`has a password in ${key} that is not \${VARIABLE:?sentence}`]
      }
      return []
    }),
  ({ image }) => {
    const tag = image?.split('/').pop()?.split(':')[1]
    if (image === undefined) return ['names no image']
    return tag === undefined || tag === 'latest'
      ? [`takes ${image}, which is another one every day; name a version`]
      : []
  },
  ({ healthcheck }, file, name) =>
    isOneShot(file, name) || (healthcheck?.test && !healthcheck.disable) ? [] : ['has no healthcheck'],
  ({ restart }, file, name) => {
    if (restart === undefined) return ['does not say whether it is restarted']
    return restart === 'no' && !isOneShot(file, name) ? ['is not restarted'] : []
  },
  ({ security_opt }) =>
    security_opt.includes('no-new-privileges:true') ? [] : ['lacks security_opt: no-new-privileges:true'],
  ({ cap_drop }) => (cap_drop.includes('ALL') ? [] : ['keeps capabilities; drop ALL and add what it needs']),
  ({ read_only }) => (read_only ? [] : ['can write to its own image; set read_only and name tmpfs folders']),
  ({ privileged, network_mode }) =>
    privileged || network_mode === 'host' ? ['is privileged or shares the network of the machine'] : [],
  ({ volumes }) =>
    volumes.some((volume) => JSON.stringify(volume).includes('docker.sock'))
      ? ['holds the engine’s socket, which is root']
      : [],
  ({ mem_limit, cpus, pids_limit }) =>
    mem_limit === undefined || cpus === undefined || pids_limit === undefined
      ? ['lacks mem_limit, cpus or pids_limit']
      : [],
  ({ depends_on }) =>
    Array.isArray(depends_on) ||
    Object.values(depends_on).some(({ condition }) => condition === 'service_started')
      ? ['waits for a start, not for readiness; depend on service_healthy or service_completed_successfully']
      : [],
  ({ command }) => {
    const words = [command ?? []].flat().join(' ')
    return /log_min_duration_(statement|sample)=(?!-1)/.test(words) &&
      !/log_parameter_max_length=0/.test(words)
      ? ['logs slow statements with their values, among them passwords; set log_parameter_max_length=0']
      : []
  },
  (service, file) => {
    if (!service.image?.startsWith('postgres:')) return []
    const networks = Array.isArray(service.networks)
      ? service.networks
      : Object.keys(service.networks ?? { default: null })
    return networks.every((network) => file.networks[network]?.internal)
      ? []
      : ['is on a network that leads outside']
  },
]

/** Every sentence about a file. */
export function composeFindings(file: ComposeFile): string[] {
  return Object.entries(file.services).flatMap(([name, service]) =>
    RULES.flatMap((rule) => rule(service, file, name)).map((problem) => `service ${name} ${problem}`),
  )
}

/** Somebody waits for its success, so it is meant to end. */
function isOneShot(file: ComposeFile, name: string): boolean {
  return Object.values(file.services).some(
    ({ depends_on }) =>
      !Array.isArray(depends_on) && depends_on[name]?.condition === 'service_completed_successfully',
  )
}
