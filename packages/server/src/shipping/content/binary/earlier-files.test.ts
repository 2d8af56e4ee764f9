import { publishBinary, startTestServer } from '@hotpatch/testkit'
import { writeZip } from '@hotpatch/testkit/archives'
import { anApk, makeSigner } from '@hotpatch/testkit/binaries'
import { afterAll, beforeAll, expect, test } from 'vitest'

let server: Awaited<ReturnType<typeof startTestServer>>
beforeAll(async () => void (server = await startTestServer()))
afterAll(() => server.close())

// Each has a signer of its own.
const apk = (version: string, versionCode: number) => ({
  name: `shop-${version}.apk`,
  bytes: anApk({ version, versionCode, signer: makeSigner() }),
  architecture: 'any',
})

test('a file is held against the last one, whichever platform its release was said to be for', async () => {
  const app = await server.createTestApp({ platforms: ['android', 'any'] })
  await publishBinary(server, app, { platform: 'android', version: '1.0.0', files: [apk('1.0.0', 1)] })
  const files = [{ ...apk('1.1.0', 2), platform: 'android' }]
  await expect(publishBinary(server, app, { platform: 'any', version: '1.1.0', files })).rejects.toThrow(
    'other-certificate',
  )
})

test('a file is held against the last one, however many of another kind came between', async () => {
  const app = await server.createTestApp({ platforms: ['android'] })
  await publishBinary(server, app, { platform: 'android', version: '1.0.0', files: [apk('1.0.0', 1)] })
  const zips = Array.from({ length: 110 }, (_, index) => ({
    name: `${index}.zip`,
    bytes: writeZip([{ name: `${index}` }]),
    architecture: `a${index}`,
  }))
  await publishBinary(server, app, { platform: 'android', version: '1.0.1', files: zips })
  const next = publishBinary(server, app, { platform: 'android', version: '1.1.0', files: [apk('1.1.0', 2)] })
  await expect(next).rejects.toThrow('other-certificate')
})
