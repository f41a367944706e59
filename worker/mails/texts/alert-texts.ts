/** An alert in one line, by the names that operators type. */
import type { AlertNews } from '../queued-mail.ts'

/** The worst first; the rest is counted. */
export function alertSubject(appName: string, alerts: AlertNews[]): string {
  const rank = ({ event, severity }: AlertNews) => (event === 'resolved' ? 0 : severity === 'warn' ? 1 : 2)
  const [worst] = alerts.toSorted((a, b) => rank(b) - rank(a))
  const more = alerts.length > 1 ? ` and ${alerts.length - 1} more` : ''
  return worst ? `[${appName}] ${state(worst)}: ${worst.metric}${more}` : `[${appName}] alerts`
}

/** @example "critical (opened): disk_used_ratio {"place":"worker"} is 0.93 (ratio). Used share of a disk." */
export function alertLine(news: AlertNews): string {
  const labels = Object.keys(news.labels).length > 0 ? ` ${JSON.stringify(news.labels)}` : ''
  const value =
    news.event === 'resolved'
      ? 'is well again'
      : `is ${news.value}${news.unit === 'count' ? '' : ` (${news.unit})`}`
  const how = news.event === 'resolved' ? '' : ` (${news.event})`
  return `${state(news)}${how}: ${news.metric}${labels} ${value}. ${news.summary}`
}

function state({ event, severity }: AlertNews): string {
  return event === 'resolved' ? 'resolved' : severity
}
