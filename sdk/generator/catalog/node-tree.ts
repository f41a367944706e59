/**
 * Reads the parse tree that Postgres keeps of a view: `{NODE :field value …}`, lists in parentheses, `<>` for nothing.
 * Source: src/backend/nodes/outfuncs.c and read.c of PostgreSQL.
 */

/** A node with its fields; each field's value is the list of items up to the next field. */
export type TreeNode = { type: string; fields: Map<string, TreeItem[]> }

/** A list in parentheses. */
export type TreeList = { items: TreeItem[] }

/** A node, a list, or one word. */
export type TreeItem = TreeNode | TreeList | string

/** Parses the text of a pg_node_tree. */
export function parseNodeTree(text: string): TreeItem {
  const tokens = text.match(/(?:\\.|[^\s(){}\\])+|[(){}]/g) ?? []
  let index = 0
  return readItem()

  function readItem(): TreeItem {
    const token = tokens[index++]
    if (token === '{') return readNode()
    if (token === '(') return readList()
    if (token === undefined) throw new Error('The parse tree of a view ends too early.')
    return token
  }

  function readNode(): TreeNode {
    const type = String(tokens[index++])
    const fields = new Map<string, TreeItem[]>()
    let current: TreeItem[] = []
    while (tokens[index] !== '}') {
      const token = tokens[index]
      if (token?.startsWith(':') && token.length > 1) {
        index++
        current = []
        fields.set(token.slice(1), current)
      } else current.push(readItem())
    }
    index++
    return { type, fields }
  }

  function readList(): TreeList {
    const items: TreeItem[] = []
    while (tokens[index] !== ')') items.push(readItem())
    index++
    return { items }
  }
}

/** A field's only item as a node, if it is one. */
export function nodeIn(node: TreeNode, field: string): TreeNode | undefined {
  const [item] = node.fields.get(field) ?? []
  return item && typeof item === 'object' && 'type' in item ? item : undefined
}

/** A field's only item as the nodes of a list; empty when there is none. */
export function nodesIn(node: TreeNode, field: string): TreeNode[] {
  const [item] = node.fields.get(field) ?? []
  const items = item && typeof item === 'object' && 'items' in item ? item.items : []
  return items.filter((inner): inner is TreeNode => typeof inner === 'object' && 'type' in inner)
}

/** A field's only item as a word, for instance a number. */
export function wordIn(node: TreeNode, field: string): string | undefined {
  const [item] = node.fields.get(field) ?? []
  return typeof item === 'string' ? item : undefined
}
