import { rm } from 'node:fs/promises'
import type { Patch, Patches } from '@hotpatch/api'
import { zipOf } from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

const bundleOf = (text: string) =>
  zipOf({ 'index.android.bundle': Buffer.concat([noise(30_000), Buffer.from(text)]), 'icon.png': noise(5_000) })

test('a patch is made, listed, shown and pruned', async () => {
  const { json, run, write, app } = await server.createPublisher()
  await write({ '1.zip': await bundleOf('one'), '2.zip': await bundleOf('two') })
  for (const version of ['1', '2']) {
    await json(`release --bundle ${version}.zip --platform android --version ${version}.0.0 --any-native --yes`)
  }
  const line = 'patch --from 1.0.0 --to 2.0.0 --platform android'
  const made = await json<Patch>(line)
  expect(made).toMatchObject({ from: '1.0.0', to: '2.0.0', platform: 'android', state: 'made' })
  expect(made.savedShare).toBeGreaterThan(0.9)
  expect((await json<Patches>('patches list')).items).toEqual([made])
  const table = await run(`patches list --app ${app.slug}`)
  expect(table.stdout).toContain(made.id)
  expect(await json(`patches show ${made.id}`)).toEqual(made)
  expect(await json(`patches prune ${made.id} --yes`)).toMatchObject({ state: 'pruned', packed: [] })
  const none = await run(`patch --from 9.0.0 --to 2.0.0 --platform android --app ${app.slug}`)
  expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('no release of the version 9.0.0')])
})

test('and one of what a binary shipped with', async () => {
  const { json, run, write, app } = await server.createPublisher()
  await write({ '1.zip': await bundleOf('one'), '2.zip': await bundleOf('two') })
  await json('updates embedded upload 1.zip --platform android --native-version 1.0.0+7 --yes')
  await json('release --bundle 2.zip --platform android --version 2.0.0 --any-native --yes')
  const made = await json<Patch>('patch --from embedded:1.0.0+7 --to 2.0.0 --platform android')
  expect(made).toMatchObject({ from: 'embedded 1.0.0+7', fromReleaseId: null, to: '2.0.0', state: 'made' })
  const none = await run(`patch --from embedded:9 --to 2.0.0 --platform android --app ${app.slug}`)
  expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('knows of no binary 9 for android')])
})

test('to an encrypted release it is made here, and sent', async () => {
  const { json, run, write, app } = await server.createPublisher()
  const own = await json<{ publicKey: string; id: string; path: string }>('encryption-keys generate')
  const other = await json<{ id: string }>('encryption-keys generate --key other.pem')
  const files = {
    '1.zip': await bundleOf('one'),
    '2.zip': await bundleOf('two'),
    '3.zip': await zipOf({ 'index.android.bundle': noise(900).reverse() }),
  }
  const project = (changes: object) => write({ 'hotpatch.json': JSON.stringify({ app: app.slug, ...changes }) })
  await write(files)
  await project({ encryptFor: [own.publicKey] })
  for (const version of ['1', '2', '3']) {
    await json(`release --bundle ${version}.zip --platform android --version ${version}.0.0 --any-native --yes`)
  }
  const line = 'patch --from 1.0.0 --to 2.0.0 --platform android'
  const made = await json<Patch>(line)
  expect(made).toMatchObject({ from: '1.0.0', to: '2.0.0', kind: 'tree', state: 'made', isEncrypted: true })
  expect(made.packed.map(({ format }) => format).toSorted()).toEqual(['hpdelta1-br', 'hpdelta1-deflate'])
  expect(made.savedShare).toBeGreaterThan(0.9)
  expect((await run(`patches list --app ${app.slug}`)).stdout).toContain('tree, encrypted')
  // What is there stays: devices may be fetching it.
  expect(await json<Patch>(line)).toEqual(made)
  await json(`patches prune ${made.id} --yes`)

  const refused = async (words: string, more: string, code = 1) => {
    const { exitCode, stderr } = await run(`${line} ${more}`)
    expect([exitCode, stderr]).toEqual([code, expect.stringContaining(words)])
  }
  await refused(`It is encrypted for ${own.id}; found here ${other.id}`, '--decryption-key other.pem')
  await refused('There is no encryption key at', '--decryption-key none.pem')
  await refused('Expected files of the tree', '--from-zip 2.zip')
  await refused('leave --kind out', '--kind bsdiff40', 2)
  await refused('it would have', '--to 3.0.0')
  const fromZips = await json<Patch>(`${line} --from-zip 1.zip --to-zip 2.zip --decryption-key other.pem`)
  expect(fromZips).toMatchObject({ id: made.id, state: 'made' })
  await json(`patches prune ${made.id} --yes`)
  await json('updates embedded upload 1.zip --platform android --native-version 1.0.0+7 --yes')
  const ofBinary = '--from embedded:1.0.0+7 --to 2.0.0 --platform android'
  // Of several keys the one that opens it.
  const shipped = await json<Patch>(`patch ${ofBinary} --from-zip 1.zip --decryption-key other.pem ${own.path}`)
  expect(shipped).toMatchObject({ from: 'embedded 1.0.0+7', state: 'made', isEncrypted: true })
  await refused('Of an encrypted patch: expected one of the tree', `${ofBinary} --from-zip 3.zip`)
  await refused('Give the files that embedded:1.0.0+7 stands for', ofBinary, 2)
  await project({})
  await refused(`Found no public key of ${own.id}`, '--decryption-key other.pem')
  await json('release --bundle 3.zip --platform android --version 4.0.0 --any-native --no-encrypt --yes')
  await refused('4.0.0 is not encrypted', '--to 4.0.0 --from-zip 1.zip', 2)
  await refused('To a release that is not encrypted', '--to 4.0.0')
  await rm(own.path)
  await project({ encryptFor: [own.publicKey] })
  await refused('takes the private key of one that they are for', '--kind tree')
})
