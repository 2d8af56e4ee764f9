import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@hotpatch/testkit'
import { hasObjectStore, OBJECT_STORE_MISSING, startObjectStore, type ObjectStore } from '@hotpatch/testkit/object-store'
import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest'
import { describeStorageDriver } from '../testing/storage-driver-suite.ts'
import { openS3Storage } from './open-s3-storage.ts'
import type { S3Config } from './s3-config.ts'

/** Stores tell times in seconds, cut off or rounded up. */
const APART_MS = 3100

if (!hasObjectStore()) test.skip(`S3: ${OBJECT_STORE_MISSING}`)
else
  describe('S3', () => {
    let store: ObjectStore
    beforeAll(async () => {
      store = await startObjectStore()
    })
    afterAll(() => store.stop())

    function aConfig(changes: Partial<S3Config> = {}): S3Config {
      return {
        kind: 's3',
        bucket: store.bucket,
        endpoint: store.endpoint,
        region: store.region,
        prefix: `${randomUUID()}/`,
        isPathStyle: true,
        credentials: { ...store.writer, sessionToken: null },
        downloads: { kind: 'presigned', linkSeconds: 300 },
        ...changes,
      }
    }

    async function aStorage(changes: Partial<S3Config> = {}) {
      const spoolDirectory = await mkdtemp(join(tmpdir(), 'hotpatch-storage-'))
      const { storage, notice } = await openS3Storage({ config: aConfig(changes), clock: { now: Date.now } })
      onTestFinished(async () => {
        storage.close?.()
        await rm(spoolDirectory, { recursive: true })
      })
      const passTime = async () => {
        const since = Date.now()
        await eventually(() => {
          if (Date.now() - since < APART_MS) throw new Error('The seconds of the store are the same.')
        })
        return new Date()
      }
      return { storage, spoolDirectory, passTime, notice }
    }

    describeStorageDriver('S3', { create: () => aStorage(), raceRounds: 3 })
  })
