/** Values to try a column with: around its borders, beyond the BMP, with line ends, and nonsense. */
import fc from 'fast-check'
import type { Shape, TextRule } from '../../sdk/generator/shape/shape.ts'

/** An arbitrary of values of the column's type, valid and invalid ones. NUL cannot be sent to Postgres and is left out. */
export function valuesFor(shape: Shape, named: (name: string) => Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'text':
      return texts(shape.rules)
    case 'oneOf':
      return fc.oneof(
        fc.constantFrom(...shape.values),
        texts([]),
        texts([]).map((text) => `${shape.values[0]}${text}`),
      )
    case 'number':
      return numbers(shape)
    case 'array':
      return arrays(shape, named)
    case 'named':
      return valuesFor(named(shape.name), named)
    case 'object':
      return objects(shape, named)
    case 'union':
      return fc.oneof(...shape.options.map((option) => valuesFor(option, named)))
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    default:
      return anyJson()
  }
}

/** Any JSON that a jsonb column can hold. */
export function anyJson(): fc.Arbitrary<unknown> {
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      fc.constantFrom(null, true, false, 0, 1, -1, 0.5, 51, 1e20, ''),
      text({ maxLength: 5 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.string({ maxLength: 4, unit: 'grapheme-ascii' }), tie('value'), { maxKeys: 3 }),
    ),
  })).value
}

const SPECIAL = [
  '\n',
  '\r\n',
  ' ',
  '\u0085',
  '\ufeff',
  '\u00a0',
  '\u2028',
  'é',
  'e\u0301',
  '😀',
  '\u{10ffff}',
  '$',
  '^',
  '\\',
  '/',
]

function text(constraints: fc.StringConstraints): fc.Arbitrary<string> {
  return fc
    .string({
      unit: fc.oneof(fc.constantFrom(...SPECIAL), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })),
      ...constraints,
    })
    .map((value) => value.replaceAll('\0', '').toWellFormed())
}

function texts(rules: TextRule[]): fc.Arbitrary<string> {
  const nonsense = fc.oneof(text({ maxLength: 6 }), fc.constantFrom('', ...SPECIAL))
  const options: fc.Arbitrary<string>[] = []
  const starts = rules.flatMap((rule) => {
    if (rule.rule === 'matches') return [matching(rule.source)]
    return rule.rule === 'format' ? [fc.constantFrom(...FORMATS[rule.format])] : []
  })
  for (const start of starts) {
    const ended = fc.tuple(start, fc.constantFrom(...SPECIAL)).map(([head, tail]) => head + tail)
    options.push(start, start, damaged(start), ended)
  }
  for (const rule of rules) {
    if (rule.rule !== 'codePoints' && rule.rule !== 'bytes') continue
    for (const edge of [rule.min, rule.max]) {
      if (edge === undefined) continue
      options.push(around(edge), ...starts.map((start) => stretched(start, rule.rule, edge)))
    }
  }
  return fc.oneof(nonsense, ...options)
}

/** What matches, filled up to exactly the border, one less or one more. */
function stretched(
  start: fc.Arbitrary<string>,
  unit: 'codePoints' | 'bytes',
  edge: number,
): fc.Arbitrary<string> {
  const measure = (value: string) => (unit === 'bytes' ? Buffer.byteLength(value) : [...value].length)
  return fc
    .tuple(start, fc.constantFrom('x', '😀', 'é'), fc.constantFrom(-1, 0, 1))
    .map(([head, piece, offset]) => {
      const missing = Math.max(0, edge + offset - measure(head))
      const pieces = piece.repeat(Math.floor(missing / measure(piece)))
      return head + pieces + 'x'.repeat(missing - measure(pieces))
    })
}

/** Texts whose length is the border, one less or one more, in characters of one to four bytes. */
function around(edge: number): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom('x', 'é', '€', '😀', 'a\n', 'e\u0301'),
      fc.constantFrom(-1, 0, 1),
      fc.constantFrom(1, 2, 3, 4),
    )
    .map(([unit, offset, divisor]) =>
      [...unit.repeat(edge + 2)].slice(0, Math.max(0, Math.floor(edge / divisor) + offset)).join(''),
    )
}

function matching(source: string): fc.Arbitrary<string> {
  // fast-check makes texts from ASCII patterns; white space is spelled as it knows it.
  const known = source.replaceAll('\\P{White_Space}', '\\S').replaceAll('\\p{White_Space}', '\\s')
  return fc.stringMatching(new RegExp(known)).map((value) => value.replaceAll('\0', '').toWellFormed())
}

function damaged(start: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(start, fc.nat(), fc.constantFrom('', ...SPECIAL, 'A', '-', '0'))
    .map(([value, at, piece]) => {
      const points = [...value]
      points.splice(at % (points.length + 1), at % 2, piece)
      return points.join('')
    })
}

const FORMATS: Record<Extract<TextRule, { rule: 'format' }>['format'], string[]> = {
  uuid: [
    '0198c0de-0000-7000-8000-00000000000a',
    '0198C0DE-0000-7000-8000-00000000000A',
    '0198c0de000070008000000000000000',
  ],
  date: ['2024-02-29', '2023-02-29', '0000-01-01', '1900-02-29', '2000-02-29', '9999-12-31', '2024-4-01'],
  'date-time': [
    '2024-02-29T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2024-01-01T23:59:59.123456789+23:59',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:00Z',
    '2024-01-01T00:00:60Z',
    '2024-01-01T00:00:00',
    '2024-01-01 00:00:00Z',
    '2024-01-01T00:00:00z',
    '2024-01-01T00:00:00+24:00',
    '0000-01-01T00:00:00Z',
  ],
  uri: [
    'https://a',
    'http://[::1]/',
    'https://',
    'https:///x',
    'https://?',
    'HTTPS://a',
    'https://ä.example/ü',
    'ftp://a',
    'https://a b',
  ],
}

function numbers({ range, bounds }: Extract<Shape, { kind: 'number' }>): fc.Arbitrary<number> {
  const edges = Object.values(bounds)
  const near = edges.flatMap((edge) => [edge, edge + 1, edge - 1])
  const whole = fc.oneof(fc.constantFrom(0, 1, -1, ...near.map(Math.round)), fc.integer())
  if (range === 'int2') return fc.oneof(whole, fc.integer()).filter((value) => Math.abs(value) < 32768)
  if (range !== 'any' && range !== 'integer') return whole
  const steps = [0.1, 0.01, 0.001, 0.004, 0.005, 0.0049, 0.0051, Number.EPSILON]
  const close = edges.flatMap((edge) => steps.flatMap((step) => [edge + step, edge - step]))
  return fc.oneof(
    whole,
    fc.constantFrom(0.5, 1e20, -0.001, ...close),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -99, max: 99 }),
  )
}

function arrays(
  shape: Extract<Shape, { kind: 'array' }>,
  named: (name: string) => Shape,
): fc.Arbitrary<unknown[]> {
  const items = valuesFor(shape.items, named)
  const edges = [shape.min, shape.max].filter((edge) => edge !== undefined)
  const filled = edges.map((edge) =>
    fc
      .tuple(fc.array(items, { minLength: 1, maxLength: 3 }), fc.constantFrom(-1, 0, 1))
      .map(([some, offset]) =>
        Array.from({ length: Math.max(0, edge + offset) }, (_, at) => some[at % some.length]),
      ),
  )
  const twice = fc.array(items, { maxLength: 3 }).map((some) => [...some, ...some])
  return fc.oneof(fc.array(items, { maxLength: 4 }), twice, ...filled)
}

function objects(
  shape: Extract<Shape, { kind: 'object' }>,
  named: (name: string) => Shape,
): fc.Arbitrary<unknown> {
  const members = Object.fromEntries(
    shape.members.map(({ name, shape: inner }) => [name, valuesFor(inner, named)]),
  )
  const whole = fc.record(members)
  // Mostly right values, so that one wrong thing at a time decides.
  const example = fc.record(
    Object.fromEntries(shape.members.map(({ name, shape: inner }) => [name, plainValue(inner, named)])),
  )
  const names = shape.members.map(({ name }) => name)
  const without = fc
    .tuple(example, fc.constantFrom(...names))
    .map(([value, name]) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== name)))
  const changed = fc
    .tuple(example, fc.constantFrom(...names, 'extra'))
    .chain(([value, name]) =>
      fc
        .oneof({ weight: 4, arbitrary: members[name] ?? anyJson() }, anyJson())
        .map((other) => ({ ...value, [name]: other })),
    )
  return fc.oneof({ weight: 5, arbitrary: changed }, without, whole, anyJson(), example)
}

/** One value that fits. */
function plainValue(shape: Shape, named: (name: string) => Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'text':
      return fc.constant(plainText(shape.rules)).chain((value) => value)
    case 'oneOf':
      return fc.constantFrom(...shape.values)
    case 'number':
      return fc.constant(shape.bounds.min ?? 0)
    case 'array':
      return fc.array(plainValue(shape.items, named), {
        minLength: shape.min ?? 0,
        maxLength: shape.min ?? 1,
      })
    case 'object':
      return fc.record(
        Object.fromEntries(shape.members.map(({ name, shape: inner }) => [name, plainValue(inner, named)])),
      )
    case 'union':
      return fc.oneof(...shape.options.map((option) => plainValue(option, named)))
    case 'named':
      return plainValue(named(shape.name), named)
    case 'boolean':
      return fc.boolean()
    default:
      return fc.constant(null)
  }
}

function plainText(rules: TextRule[]): fc.Arbitrary<string> {
  for (const rule of rules) {
    if (rule.rule === 'format') return fc.constant(FORMATS[rule.format][0] ?? '')
    if (rule.rule === 'matches') return matching(rule.source)
  }
  const [length] = rules
  return fc.constant('x'.repeat(length && 'min' in length ? (length.min ?? 1) : 1))
}
