import { createVerify, generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AddedSignature, Page, PublishedArchive } from '@hotpatch/api'
import { sha256Of, zipOf } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
const BUILD = '019c167f-cc00-7000-8000-000000000001'

const digestOf = (text: string) => sha256Of(Buffer.from(text))

test('what hot-updater has built is published as it is, and signed as its clients want it', async () => {
  const { json, write, run, cwd } = await server.createPublisher()
  await write({ 'rsa.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'public.pem': publicPem })
  await json('keys add --rsa public.pem --name clients --yes')
  const code = 'start()'
  const manifest = JSON.stringify({ bundleId: BUILD, assets: { 'index.android.bundle': { fileHash: digestOf(code) } } })
  const zip = await zipOf({ 'index.android.bundle': code, 'manifest.json': manifest })
  await writeFile(join(cwd, 'bundle.zip'), zip)
  const line =
    'release --platform android --bundle bundle.zip --version 1.0.1 --native-range 1.x --yes --rsa-key rsa.pem'
  const published = await json<PublishedArchive>(line)
  // As it was built: its clients know it by what is in it.
  expect(published.content.sha256).toBe(sha256Of(zip))
  const { items } = await json<Page<AddedSignature>>('signatures list 1.0.1 --platform android')
  expect(items).toHaveLength(2)
  for (const subject of [sha256Of(zip), digestOf(manifest)]) {
    expect(items.find((item) => item.subject === subject)).toMatchObject({ scheme: 'rsa-sha256-digest' })
  }
  for (const { subject, value } of items) {
    const verifying = createVerify('sha256').update(Buffer.from(subject, 'hex'))
    expect(verifying.verify(publicKey, value, 'base64')).toBe(true)
  }
  const again = await run(line.replace('1.0.1', '1.0.2'))
  expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining(`The build ${BUILD} for android`)])
})
