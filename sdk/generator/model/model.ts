/** The SDK, before it is printed. */
import type { CatalogueEntry } from '../catalog/error-catalogue.ts'
import type { ErrorCode } from '../catalog/error-codes.ts'
import type { Member, Shape } from '../shape/shape.ts'

/** A column of a view. */
export type ColumnModel = {
  name: string
  doc: string
  /** What it holds when it is not null. */
  shape: Shape
  isNullable: boolean
  /** Whether an insert may or must give a value. */
  insert: 'never' | 'optional' | 'required'
  isUpdatable: boolean
}

/** A view that a web role can reach. */
export type ViewModel = { name: string; doc: string; columns: ColumnModel[]; isWritable: boolean }

/** What a function answers with, as JSON. */
export type ResultModel =
  | { kind: 'rows'; view: string; isSet: boolean }
  | { kind: 'record'; members: Member[]; isSet: boolean }
  | { kind: 'value'; shape: Shape; isNullable: boolean; isSet: boolean }

/** A function that a web role can call. */
export type FunctionModel = {
  id: number
  name: string
  doc: string
  args: (Member & { position: number })[]
  result: ResultModel
}

/** A shape with a name of its own, from a JSON Schema function. */
export type NamedShape = { name: string; doc: string; shape: Shape; schemaFunction: string }

/** A check that the SDK says in full, with the table's column and the view columns it guards. */
export type Translated = {
  table: string
  constraint: string
  definition: string
  column: string
  seenAs: string[]
}

/** A check, or a part of one, that the SDK cannot say. */
export type Untranslated = Translated & { reason: string }

/** All of it. */
export type Model = {
  views: ViewModel[]
  functions: FunctionModel[]
  shapes: NamedShape[]
  errors: CatalogueEntry[]
  errorCodes: ErrorCode[]
  translated: Translated[]
  untranslated: Untranslated[]
  /** Functions whose jsonb result says nothing about its shape. */
  shapeless: string[]
}
