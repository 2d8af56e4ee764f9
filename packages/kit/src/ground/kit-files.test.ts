import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import { makeDurableDirectory, writeAtomically } from './durable-files.ts'
import { RELEASES_FILE, writeKitFile } from './kit-files.ts'
import { VERSIONS_FOLDER } from './kit-layout.ts'
import { createNodeDisk } from './node-disk.ts'

async function rootWith(planted: string, plant: (path: string) => Promise<unknown>): Promise<string> {
  const root = await temporaryDirectory()
  await mkdir(dirname(join(root, planted)), { recursive: true })
  await plant(join(root, planted))
  return root
}

const folder = (path: string) => mkdir(path)
const file = (path: string) => writeFile(path, '')
const link = (path: string) => symlink('elsewhere', path)

describe('what somebody has put into the way of the coordinator is said with what to do', () => {
  test.each([
    [
      'a folder where a file is written',
      `${RELEASES_FILE}.new`,
      folder,
      /a file, or nothing, at .*\.new, found a folder/,
    ],
    ['a folder where a file lies', RELEASES_FILE, folder, /a file, or nothing, at .*releases\.json, found a folder/],
    ['a file where a folder belongs', '.kit', file, /a folder at \.kit, found a file/],
    ['a link where a folder belongs', '.kit', link, /a folder at \.kit, found a link/],
  ])('%s', async (_, planted, plant, message) => {
    const disk = createNodeDisk(await rootWith(planted, plant))
    const written = writeKitFile(disk, RELEASES_FILE, [])
    await expect(written).rejects.toMatchObject({ name: 'KitError', code: 'storage-failed' })
    await expect(written).rejects.toThrow(message)
    await expect(written).rejects.toThrow('Move it away')
  })

  test('a link in the place of the kept versions', async () => {
    const disk = createNodeDisk(await rootWith(VERSIONS_FOLDER, link))
    await expect(makeDurableDirectory(disk, `${VERSIONS_FOLDER}/web`)).rejects.toMatchObject({
      name: 'KitError',
      code: 'storage-failed',
      message: expect.stringMatching(/a folder at \.kit\/versions, found a link.*Move it away/),
    })
    await expect(disk.list(`${VERSIONS_FOLDER}/web`)).rejects.toMatchObject({
      code: 'path-escapes',
      message: expect.stringContaining('Remove the link'),
    })
  })

  test('a link to be written through', async () => {
    const disk = createNodeDisk(await rootWith('release.json.new', link))
    const written = writeAtomically(disk, 'release.json', new Uint8Array())
    await expect(written).rejects.toMatchObject({ name: 'KitError', code: 'path-escapes' })
  })
})
