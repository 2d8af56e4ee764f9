import { describeOnEveryDatabase } from '@hotpatch/testkit'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { createUnlessItKills } from './unless-it-kills.ts'

describeOnEveryDatabase('work that may end the process', (open) => {
  let db: Database
  const said: object[] = []
  const log = { warn: (what: object) => void said.push(what) }
  beforeAll(async () => {
    db = await open()
  })

  /** A process that ends in the middle of it: nothing of it is heard again. */
  async function killedBy(name: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const never = () => {
      resolve(true)
      return new Promise<undefined>(() => undefined)
    }
    void createUnlessItKills({ db, log })(name, never).then(() => resolve(false))
    return promise
  }

  describe('what ends it each time', () => {
    test('is left out at last, and told once', async () => {
      const begun: boolean[] = []
      for (let start = 0; start < 10; start += 1) begun.push(await killedBy('patch a'))
      expect(begun.filter(Boolean)).toHaveLength(9)
      expect(begun[8]).toBe(false)
      expect(said).toEqual([{ work: 'patch a', tries: 8 }])
    })
  })

  test('what ends, however it does, is not counted', async () => {
    const unlessItKills = createUnlessItKills({ db, log })
    for (let time = 0; time < 20; time += 1) {
      expect(await unlessItKills('patch b', () => Promise.resolve(time))).toBe(time)
      await expect(unlessItKills('patch b', () => Promise.reject(new Error('no room')))).rejects.toThrow('no room')
    }
    expect(await db.selectFrom('interrupted_work').select('tries').where('name', '=', 'patch b').execute()).toEqual([])
  })
})
