import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { madeOnce } from './made-once.ts'

test('is made by the first, and is the same for all who ask', async () => {
  const name = randomUUID()
  let made = 0
  const make = async (directory: string) => {
    made += 1
    await writeFile(join(directory, 'content'), `made ${made}`)
  }
  const directories = await Promise.all([1, 2, 3].map(() => madeOnce(name, make)))
  expect(new Set(directories).size).toBe(1)
  expect(await readFile(join(await madeOnce(name, make), 'content'), 'utf8')).toBe('made 1')
})

test('fails for all when it cannot be made, and is not tried again', async () => {
  const name = randomUUID()
  let tries = 0
  const fail = () => {
    tries += 1
    return Promise.reject(new Error('no room'))
  }
  const asked = await Promise.allSettled([1, 2].map(() => madeOnce(name, fail)))
  const reasons = asked.map((each) => String(each.status === 'rejected' && each.reason))
  expect(reasons.toSorted()).toEqual([expect.stringContaining('could not be made'), 'Error: no room'])
  await expect(madeOnce(name, fail)).rejects.toThrow('could not be made')
  expect(tries).toBe(1)
})
