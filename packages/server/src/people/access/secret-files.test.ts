import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import { readDeviceIdSecret, readJwtSecret } from './secret-files.ts'

test('a secret is made once, also by servers that start at once, and only its owner reads it', async () => {
  const directory = await temporaryDirectory()
  const made = await Promise.all(Array.from({ length: 8 }, () => readDeviceIdSecret(directory)))
  expect(new Set([...made, await readDeviceIdSecret(directory)]).size).toBe(1)
  expect(made[0]).toMatch(/^[\w-]{64}$/)
  expect(await readJwtSecret(directory)).not.toBe(made[0])
  expect((await readdir(directory)).sort()).toEqual(['device-id-secret', 'jwt-secret'])
  expect((await stat(join(directory, 'device-id-secret'))).mode & 0o777).toBe(0o600)
})
