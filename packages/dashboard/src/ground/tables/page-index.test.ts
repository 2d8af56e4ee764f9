import { describe, expect, test } from 'vitest'
import { emptyAtEnd, learn, NOTHING_KNOWN, pageOfRow, pagesAround, rowCount, type PageIndex } from './page-index.ts'

const page = (count: number, nextCursor: string | null) => ({ items: Array.from({ length: count }), nextCursor })
const threePages = [
  [{ number: 0, cursor: null }, page(200, 'b')],
  [{ number: 1, cursor: 'b' }, page(200, 'c')],
  [{ number: 2, cursor: 'c' }, page(50, null)],
] as const
const known = threePages.reduce<PageIndex>((index, [place, found]) => learn(index, place, found), NOTHING_KNOWN)

describe('an index of pages', () => {
  test('says where each begins', () => {
    expect(known.map(({ start, count }) => [start, count])).toEqual([
      [0, 200],
      [200, 200],
      [400, 50],
    ])
    expect(rowCount(known)).toBe(450)
    expect(rowCount(NOTHING_KNOWN)).toBe(0)
  })

  test.each([
    [0, 0],
    [199, 0],
    [200, 1],
    [399, 1],
    [449, 2],
    [9_999, 2],
  ])('has row %i on page %i', (row, number) => {
    expect(pageOfRow(known, row)).toBe(number)
  })

  test('has rows of a page that follows on empty ones', () => {
    const index = [
      { cursor: null, start: 0, count: 0 },
      { cursor: 'b', start: 0, count: 0 },
      { cursor: 'c', start: 0, count: 3 },
    ] as const
    expect(pageOfRow(index, 0)).toBe(2)
    expect(emptyAtEnd(index)).toBe(0)
    expect(
      emptyAtEnd([...index, { cursor: 'd', start: 3, count: 0 }, { cursor: 'e', start: 3, count: undefined }]),
    ).toBe(1)
  })

  test('is the same when a page comes again as it was', () => {
    for (const [place, found] of threePages) expect(learn(known, place, found)).toBe(known)
  })

  test('forgets what followed on a page that goes on elsewhere now', () => {
    const index = learn(known, { number: 0, cursor: null }, page(200, 'b2'))
    expect(index).toEqual([
      { cursor: null, start: 0, count: 200 },
      { cursor: 'b2', start: 200, count: undefined },
    ])
    expect(learn(index, { number: 1, cursor: 'b' }, page(200, 'c'))).toBe(index)
  })

  test('wants one page on each side of what is seen, of those that there are', () => {
    expect(pagesAround(known, { first: 0, last: 0 })).toEqual({ first: 0, last: 1 })
    expect(pagesAround(known, { first: 1, last: 2 })).toEqual({ first: 0, last: 2 })
    expect(pagesAround(NOTHING_KNOWN, { first: 5, last: 6 })).toEqual({ first: 0, last: 0 })
  })
})
