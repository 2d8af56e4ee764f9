import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { createGuardedRemovals } from './guarded-removals.ts'
import type { S3Client } from './s3-client.ts'

/** A store that dates a write by its begin, as Swift does: of a removal that began later nothing is left of it. */
function aStore() {
  const objects = new Map<string, { bytes: Buffer; modifiedAt: Date }>()
  const s3 = {
    put: async (name: string, bytes: Buffer) => void objects.set(name, { bytes, modifiedAt: new Date() }),
    stat: async (name: string) => {
      const object = objects.get(name)
      return object && { sizeBytes: object.bytes.length, modifiedAt: object.modifiedAt }
    },
    open: async (name: string) => {
      const object = objects.get(name)
      return object && Readable.from([object.bytes])
    },
    async *list(folder: string) {
      for (const [name, { bytes, modifiedAt }] of objects) {
        if (name.startsWith(folder)) yield { name, sizeBytes: bytes.length, modifiedAt }
      }
    },
    remove: async (names: readonly string[]) => names.forEach((name) => objects.delete(name)),
    skewMs: () => 0,
  } as unknown as S3Client
  const removals = createGuardedRemovals({ s3, folder: 'removals/', nameOf: (key) => `artifacts/${key}` })
  return { objects, removals, s3 }
}

const OLD = { bytes: Buffer.from('old'), modifiedAt: new Date(0) }

test('a write that a removal has outdated is put again, also when the removal is over', async () => {
  const { objects, removals, s3 } = aStore()
  objects.set('artifacts/a', OLD)
  // The write has begun, and is not done before all of this is.
  await removals.removeOlder(['a'], () => new Date())
  expect([...objects.keys()]).toEqual([])
  expect(await removals.outlasts('a')).toBe(false)
  await s3.put('artifacts/a', Buffer.from('new'))
  expect(await removals.outlasts('a')).toBe(true)
})

test('a removal takes what is old, and states it while it does', async () => {
  const { objects, removals, s3 } = aStore()
  objects.set('artifacts/a', OLD)
  objects.set('artifacts/b', OLD)
  const stated: string[] = []
  const { stat } = s3
  s3.stat = async (name) => {
    for await (const notice of s3.list('removals/')) {
      const stream = await s3.open(notice.name)
      if (stream) stated.push(await text(stream))
    }
    // It is put again in between.
    if (name === 'artifacts/b') await s3.put(name, Buffer.from('new'))
    return stat(name)
  }
  const limit = new Date(Date.now() - 10_000)
  await removals.removeOlder(['a', 'b'], () => limit)
  expect([...objects.keys()]).toEqual(['artifacts/b'])
  expect(new Set(stated)).toEqual(new Set(['a\nb']))
})
