/** Bounds of numeric columns, with the rounding that numeric(p, s) does before a check sees the value. */
import type { NumberBounds } from '../shape/shape.ts'
import type { Bound } from './rule.ts'

/** The scale of numeric(p, s); undefined for every other type, which rounds nothing. */
export type NumberColumn = { scale: number | undefined }

/** Adds a bound, or says why not. A value of a numeric(p, s) column is rounded half away from zero first. */
export function applyNumberBound(
  bounds: NumberBounds,
  bound: Bound,
  { scale }: NumberColumn,
): { bounds: NumberBounds } | { reason: string } {
  if (scale !== undefined && (bound.value.split('.')[1] ?? '').length > scale) {
    return { reason: `the bound ${bound.value} has more decimals than the column` }
  }
  const { value, isExclusive } = scale === undefined ? bound : beforeRounding(bound, scale)
  const isMin = bound.side === 'min'
  const name = isMin ? (isExclusive ? 'above' : 'min') : isExclusive ? 'below' : 'max'
  const tighter = isMin ? Math.max : Math.min
  return { bounds: { ...bounds, [name]: tighter(bounds[name] ?? Number(value), Number(value)) } }
}

/** The bound on the value as sent that equals the bound on the rounded value. Counts in half units of the scale. */
function beforeRounding(bound: Bound, scale: number): { value: string; isExclusive: boolean } {
  const halves = 2n * scaled(bound.value, scale)
  const towardsMin = bound.side === 'min'
  // x > 5 on rounded values means that x is at least one unit more.
  const step = bound.isExclusive ? (towardsMin ? 2n : -2n) : 0n
  const edge = halves + step + (towardsMin ? -1n : 1n)
  // Exactly half rounds away from zero: out of reach of a bound on that side, onto the bound on the other.
  const isExclusive = towardsMin ? edge < 0n : edge > 0n
  return { value: decimal(edge, scale), isExclusive }
}

function scaled(value: string, scale: number): bigint {
  const [whole = '0', fraction = ''] = value.replace('-', '').split('.')
  const digits = BigInt(whole + fraction.padEnd(scale, '0').slice(0, scale))
  return value.startsWith('-') ? -digits : digits
}

/** Half units of 10^-scale as a decimal. */
function decimal(halves: bigint, scale: number): string {
  const tenths = halves * 5n
  const sign = tenths < 0n ? '-' : ''
  const digits = String(tenths < 0n ? -tenths : tenths).padStart(scale + 2, '0')
  const cut = digits.length - scale - 1
  return `${sign}${digits.slice(0, cut)}.${digits.slice(cut)}`
}
