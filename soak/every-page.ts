import type { Page, PageQuery } from '../packages/api/src/index.ts'

const PAGE = 200
const MAX_PAGES = 200

/** All that a list has. */
export async function everyPage<Item>(read: (query: PageQuery) => Promise<Page<Item>>): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await read({ limit: PAGE, ...(cursor !== undefined && { cursor }) })
    items.push(...page.items)
    if (page.nextCursor === null) return items
    cursor = page.nextCursor
  }
  throw new Error(`Expected at most ${MAX_PAGES} pages of ${PAGE}, found more.`)
}
