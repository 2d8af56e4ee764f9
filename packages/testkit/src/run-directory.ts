import { rm } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'
import { makeTemporaryDirectory } from './make-temporary-directory.ts'

/** Before all tests, and after them: a folder of this run's. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const directory = await makeTemporaryDirectory()
  project.provide('runDirectory', directory)
  return () => rm(directory, { recursive: true, force: true })
}
