import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import { createDiskPublicFiles } from './disk-public-files.ts'
import { createS3PublicFiles } from './s3/s3-public-files.ts'

const headers = { contentType: 'application/json', cacheControl: 'public, max-age=10' }

describe('public files on a disk', () => {
  test('take the place of what was there, and leave nothing else', async () => {
    const directory = await temporaryDirectory()
    const files = createDiskPublicFiles({ directory })
    await files.write('edge/v1/app/latest.json', 'one', headers)
    await files.write('edge/v1/app/latest.json', 'two', headers)
    expect(await readFile(join(directory, 'edge/v1/app/latest.json'), 'utf8')).toBe('two')
    expect(await readdir(join(directory, 'edge/v1/app'))).toEqual(['latest.json'])
    await files.remove(['edge/v1/app/latest.json', 'edge/v1/app/never-there.json'])
    expect(await readdir(join(directory, 'edge/v1/app'))).toEqual([])
  })

  test.each(['../secret', 'edge/../../secret', '/etc/passwd', 'edge//x', '.hidden', 'edge/', '', 'a\0b'])(
    'have no name that climbs out: %j',
    async (name) => {
      const files = createDiskPublicFiles({ directory: await temporaryDirectory() })
      await expect(files.write(name, 'x', headers)).rejects.toThrow(TypeError)
      await expect(files.remove([name])).rejects.toThrow(TypeError)
    },
  )
})

test('public files in a bucket are below its prefix, with the headers that they are served with', async () => {
  const put: unknown[] = []
  const removed: string[] = []
  const s3 = {
    put: async (name: string, bytes: Buffer, told = {}) => void put.push([name, bytes.toString(), told]),
    remove: async (names: readonly string[]) => void removed.push(...names),
  }
  const files = createS3PublicFiles({ s3, prefix: 'hotpatch/' })
  await files.write('edge/v1/app/latest.json', 'one', headers)
  await files.remove(['edge/v1/app/latest.json'])
  expect(put).toEqual([
    [
      'hotpatch/edge/v1/app/latest.json',
      'one',
      { ContentType: headers.contentType, CacheControl: headers.cacheControl },
    ],
  ])
  expect(removed).toEqual(['hotpatch/edge/v1/app/latest.json'])
  expect(() => files.remove(['../x'])).toThrow(TypeError)
})
