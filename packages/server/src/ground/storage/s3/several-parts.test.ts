import { once } from 'node:events'
import { Readable } from 'node:stream'
import { eventually } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import type { S3Client } from './s3-client.ts'
import type { S3Config } from './s3-config.ts'
import { createS3Storage } from './s3-storage.ts'

const CONFIG: S3Config = {
  kind: 's3',
  bucket: 'artifacts',
  endpoint: 'http://127.0.0.1:9000',
  region: 'any',
  prefix: '',
  isPathStyle: true,
  credentials: null,
  downloads: { kind: 'server' },
}

test('whoever leaves while the next part is asked for lets go of that as well', async () => {
  const isAsked = Promise.withResolvers<void>()
  const second = Promise.withResolvers<Readable>()
  let asked = 0
  const open = async () => {
    asked += 1
    if (asked === 1) return Readable.from([Buffer.from('0123456789')])
    isAsked.resolve()
    return second.promise
  }
  const clock = { now: () => 0 }
  const storage = await createS3Storage({ s3: { open } as unknown as S3Client, config: CONFIG, clock })
  const bytes = await storage.open('a'.repeat(64), { start: 0, end: 9 }, { start: 20_000_000, end: 20_000_009 })
  bytes?.resume()
  await isAsked.promise
  bytes?.destroy()
  await once(bytes as Readable, 'close')
  const late = new Readable({ read: () => undefined })
  second.resolve(late)
  await eventually(() => expect(late.destroyed).toBe(true))
})
