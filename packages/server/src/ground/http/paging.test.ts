import { bundleOf, problemOf, startTestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

interface Item {
  id: string
}

const server = await startTestServer()
afterAll(() => server.close())

describe.each<[string, () => Promise<unknown>]>([
  ['/manage/v1/apps', () => server.createTestApp()],
  ['/manage/v1/tokens', () => server.createToken({ role: 'reader' })],
  ['/manage/v1/audit', () => server.createTestApp()],
  ['/manage/v1/apps/paged/releases', () => publishOne()],
  ['/manage/v1/apps/paged/rollouts', () => publishOne()],
  ['/releases', () => publishOne()],
])('the list %s', (path, addOne) => {
  beforeAll(async () => {
    await server.createTestApp({ slug: 'paged' })
    for (let count = 0; count < 5; count++) await addOne()
  })

  const page = async (query: string) => (await server.request('GET', `${path}?${query}`)).body
  async function readAll(limit: number, between: () => Promise<unknown> = () => Promise.resolve()) {
    const ids: string[] = []
    for (let cursor: string | null = ''; cursor !== null; await between()) {
      const { items, nextCursor } = await page(`limit=${limit}${cursor && `&cursor=${cursor}`}`)
      expect(items.length).toBeLessThanOrEqual(limit)
      ids.push(...items.map(({ id }: Item) => id))
      cursor = nextCursor
    }
    return ids
  }

  test('is the same in pages of every size', async () => {
    const whole = (await page('limit=200')).items.map(({ id }: Item) => id)
    expect(whole.length).toBeGreaterThanOrEqual(5)
    for (const limit of [1, 2, whole.length]) expect(await readAll(limit)).toEqual(whole)
  })

  test('is newest first, and what is added meanwhile neither repeats nor hides anything', async () => {
    const before = (await page('limit=200')).items.map(({ id }: Item) => id)
    expect(before).toEqual([...(before as string[])].sort().reverse())
    expect(await readAll(2, addOne)).toEqual(before)
  })

  test.each([
    ['a cursor that no page gave', 'cursor=garbage'],
    ['an id for a cursor', 'cursor=01890000-0000-7000-8000-000000000000'],
    ['an endless cursor', `cursor=${'x'.repeat(201)}`],
    ['a limit of 0', 'limit=0'],
    ['a limit of 201', 'limit=201'],
    ['half a limit', 'limit=1.5'],
  ])('is not read with %s', async (_case, query) => {
    expect(problemOf(await server.request('GET', `${path}?${query}`))).toBe('400 invalid-request')
  })
})

let published = 0
async function publishOne() {
  return server.published({ slug: 'paged' }, { version: `1.${published++}.0`, bundle: await bundleOf('one') })
}
