/** Which column of which relation a view's column is a plain copy of, and whether it can have become null on the way. */
import { nodeIn, nodesIn, parseNodeTree, type TreeNode, wordIn } from './node-tree.ts'

/** Where a view's column comes from. */
export type ColumnOrigin = { relation: number; column: number; isNulledByJoin: boolean }

/** The origins of a view's columns by their number; computed columns have none. */
export function columnOrigins(rule: string): Map<number, ColumnOrigin> {
  const origins = new Map<number, ColumnOrigin>()
  const tree = parseNodeTree(rule)
  const query = typeof tree === 'object' && 'items' in tree ? tree.items[0] : tree
  if (typeof query !== 'object' || !('type' in query) || query.type !== 'QUERY') return origins
  // Branches of a union lead to several columns, grouping sets put nulls into grouped ones.
  if (nodeIn(query, 'setOperations') || nodesIn(query, 'groupingSets').length > 0) return origins
  const relations = nodesIn(query, 'rtable')
  const hasOuterJoin = relations.some((entry) => !['0', undefined].includes(wordIn(entry, 'jointype')))
  for (const target of nodesIn(query, 'targetList')) {
    const variable = nodeIn(target, 'expr')
    const origin = variable?.type === 'VAR' ? originOf(variable, relations, hasOuterJoin) : undefined
    if (origin) origins.set(Number(wordIn(target, 'resno')), origin)
  }
  return origins
}

function originOf(
  variable: TreeNode,
  relations: TreeNode[],
  hasOuterJoin: boolean,
): ColumnOrigin | undefined {
  const entry = relations[Number(wordIn(variable, 'varno')) - 1]
  if (!entry || wordIn(variable, 'varlevelsup') !== '0') return undefined
  const column = Number(wordIn(variable, 'varattno'))
  const isNulledByJoin = isNulled(variable, hasOuterJoin)
  // 0 is a table or view; everything else (sub-queries, functions, merged columns of a join) is not followed.
  if (wordIn(entry, 'rtekind') === '0')
    return { relation: Number(wordIn(entry, 'relid')), column, isNulledByJoin }
  const grouped = nodesIn(entry, 'groupexprs')[column - 1]
  if (grouped?.type !== 'VAR') return undefined
  const origin = originOf(grouped, relations, hasOuterJoin)
  return origin && { ...origin, isNulledByJoin: origin.isNulledByJoin || isNulledByJoin }
}

/** Postgres 16 and later say which outer joins null a variable; before, any outer join might. */
function isNulled(variable: TreeNode, hasOuterJoin: boolean): boolean {
  const [joins] = variable.fields.get('varnullingrels') ?? []
  if (joins === undefined) return hasOuterJoin
  return typeof joins === 'object' && 'items' in joins && joins.items.length > 1
}
