/** Prints sdk/src/generated/database.ts with @supabase/postgrest-typegen, from patched metadata. */
import {
  type GeneratorMetadata,
  generateTypescript,
  sortGeneratorMetadata,
} from '@supabase/postgrest-typegen'
import { API_SCHEMA } from '../catalog/database.ts'
import { GeneratorError } from '../generator-error.ts'
import type { Model } from '../model/model.ts'
import { formatTypescript, HEADER } from './format.ts'
import { patchMetadata, type Writing } from './patch-metadata.ts'
import { Placeholders } from './placeholders.ts'
import { printDoc } from './print-doc.ts'

/** The types say what PostgREST 12 understands; later versions understand it, too. */
const POSTGREST_VERSION = '12'

/** The whole file. */
export async function printDatabase(metadata: GeneratorMetadata, model: Model): Promise<string> {
  const placeholders = new Placeholders()
  const print = (writing: Writing) =>
    generateTypescript(sortGeneratorMetadata(patchMetadata(metadata, model, placeholders, writing)), {
      postgrestVersion: POSTGREST_VERSION,
      defaultSchema: API_SCHEMA,
      detectOneToOneRelationships: true,
      format: async (code) => code,
    })
  const printed = takeBlocks(await print('insert'), 'Update', await print('update'))
  // Its own remarks are about another client.
  const documented = addDocs(printed.replace(/^\s*\/\/.*$/gm, ''), model)
  // Every object on lines of its own: the formatter keeps them so.
  const body = placeholders.fill(documented.replaceAll('{', '{\n'))
  const named = model.shapes.map(({ name }) => name).filter((name) => new RegExp(`\\b${name}\\b`).test(body))
  const imports = named.length > 0 ? `import type { ${named.sort().join(', ')} } from './shapes.ts'\n` : ''
  return formatTypescript(`${HEADER}${imports}\n${body}`)
}

/** Replaces every block called `name` by its counterpart in the other text. */
function takeBlocks(text: string, name: string, other: string): string {
  const [own, others] = [blocks(text, name), blocks(other, name)]
  if (own.length !== others.length)
    throw new GeneratorError(`The ${name} types of two passes differ in number.`)
  let result = ''
  let from = 0
  own.forEach(({ start, end }, index) => {
    const theirs = others[index]
    result += text.slice(from, start) + (theirs ? other.slice(theirs.start, theirs.end) : '')
    from = end
  })
  return result + text.slice(from)
}

function blocks(text: string, name: string): { start: number; end: number }[] {
  return [...text.matchAll(new RegExp(`\\b${name}: \\{`, 'g'))].map(({ index }) => {
    let depth = 0
    for (let at = index; at < text.length; at++) {
      if (text[at] === '{') depth++
      if (text[at] === '}' && --depth === 0) return { start: index, end: at + 1 }
    }
    throw new GeneratorError(`A block ${name} is not closed in what postgrest-typegen printed.`)
  })
}

function addDocs(code: string, model: Model): string {
  let documented = code
  for (const { name, doc } of model.views) {
    documented = insertOnce(documented, new RegExp(`"${name}": \\{\\s*Row: \\{`), doc, `view ${name}`)
  }
  for (const { name, doc } of model.functions) {
    documented = insertOnce(documented, new RegExp(`"${name}":\\n`), doc, `function ${name}`)
  }
  return documented
}

function insertOnce(code: string, place: RegExp, doc: string, subject: string): string {
  const match = place.exec(code)
  if (!match) throw new GeneratorError(`postgrest-typegen did not print the ${subject}.`)
  // Braces in a comment would be taken for the code's when objects are put on lines of their own.
  const comment = printDoc(doc.replaceAll('{', '(').replaceAll('}', ')'))
  return `${code.slice(0, match.index)}\n${comment}${code.slice(match.index)}`
}
