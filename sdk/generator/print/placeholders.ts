/**
 * Carries our types through postgrest-typegen. It knows Postgres types only; an enum of a schema it does not print is
 * written out as its labels, so a column that is given an enum with one unique label shows up as that label, which is
 * then replaced by the type and preceded by the doc comment.
 */
import type { GeneratorMetadata } from '@supabase/postgrest-typegen'
import { printDoc } from './print-doc.ts'

type MetadataType = GeneratorMetadata['types'][number]

/** Types to put in the place of labels. */
export class Placeholders {
  /** To be added to the metadata's types. */
  readonly types: MetadataType[] = []
  readonly #texts = new Map<string, { type: string; doc: string }>()

  /** Registers a type and the comment to print above the member that has it. */
  add(type: string, doc: string): MetadataType {
    const label = `~${this.types.length}~`
    this.#texts.set(label, { type, doc })
    const made: MetadataType = {
      // Below zero, so that no oid of the database is taken.
      id: -1 - this.types.length,
      name: label,
      schema: '~',
      format: label,
      enums: [label],
      attributes: [],
      comment: null,
      type_relation_id: null,
    }
    this.types.push(made)
    return made
  }

  /** Puts the types and comments into the printed code. */
  fill(code: string): string {
    const documented = code.replace(/("\w+"\??: )"(~\d+~)"/g, (whole, name: string, label: string) => {
      const text = this.#texts.get(label)
      return text ? `\n${printDoc(text.doc)}${name}(${text.type})` : whole
    })
    return documented.replace(/"(~\d+~)"/g, (_, label: string) => `(${this.#texts.get(label)?.type})`)
  }
}
