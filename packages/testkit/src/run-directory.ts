import { rm } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'
import { makeTemporaryDirectory } from './make-temporary-directory.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** What takes long to make, and several files of tests need, is made once in here: see made-once.ts. */
    runDirectory: string
  }
}

/** Before all tests, and after them: a folder of this run's. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const directory = await makeTemporaryDirectory()
  project.provide('runDirectory', directory)
  return () => rm(directory, { recursive: true, force: true })
}
