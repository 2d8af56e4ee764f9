import { execFile } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryDirectory } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import { findExpoProject } from '../../expo/expo-project.ts'
import { isExpoExport } from './expo-export.ts'

const run = promisify(execFile)
const EXPORT = JSON.stringify({ version: 0, bundler: 'metro', fileMetadata: { ios: {} } })

test.each([
  ['an export', true, (path: string) => writeFile(path, EXPORT)],
  ['no JSON', false, (path: string) => writeFile(path, 'metadata')],
  ['a pipe, which nobody writes into', false, (path: string) => run('mkfifo', [path])],
  ['a device without end', false, (path: string) => symlink('/dev/zero', path)],
])('metadata.json is %s', async (_what, expected, make) => {
  const directory = await temporaryDirectory()
  await make(join(directory, 'metadata.json'))
  expect(await isExpoExport(directory)).toBe(expected)
})

test.each([
  ['a pipe, which nobody writes into', (path: string) => run('mkfifo', [path])],
  ['a device without end', (path: string) => symlink('/dev/zero', path)],
])('no Expo app is looked for in a package.json that is %s', async (_what, make) => {
  const directory = await temporaryDirectory()
  await make(join(directory, 'package.json'))
  await expect(findExpoProject(directory, directory)).rejects.toThrow('package.json cannot be read as JSON')
})
