/** Sizes and ages as people read them. */

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** 12345678 → "12.3 MB". */
export function sizeText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

/** How long ago: "3 hours ago". */
export function agoText(at: Date, now: Date = new Date()): string {
  const minutes = Math.max(Math.round((now.getTime() - at.getTime()) / 60_000), 0)
  const [count, unit] =
    minutes < 60
      ? [minutes, 'minute']
      : minutes < 48 * 60
        ? [Math.round(minutes / 60), 'hour']
        : [Math.round(minutes / 1440), 'day']
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`
}
