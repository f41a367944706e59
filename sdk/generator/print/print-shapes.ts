/** Prints sdk/src/generated/shapes.ts: the JSON that functions answer with and jsonb columns hold. */
import type { NamedShape } from '../model/model.ts'
import { printZod, schemaName } from '../shape/print-zod.ts'
import { formatTypescript, HEADER } from './format.ts'
import { printDoc } from './print-doc.ts'
import { printImports } from './print-imports.ts'

/** The whole file. */
export async function printShapes(shapes: NamedShape[]): Promise<string> {
  const body = shapes
    .map(({ name, doc, shape }) => {
      const schema = schemaName(name)
      return [
        `${printDoc(doc)}export const ${schema} = ${printZod(shape)}\n`,
        `${printDoc(doc)}export type ${name} = z.infer<typeof ${schema}>\n`,
      ].join('\n')
    })
    .join('\n')
  return formatTypescript(`${HEADER}import { z } from 'zod'\n${printImports(body)}\n${body}`)
}
