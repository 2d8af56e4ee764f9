import { rm } from 'node:fs/promises'
import { onTestFinished } from 'vitest'
import { makeTemporaryDirectory } from './make-temporary-directory.ts'

/** An empty folder that goes when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await makeTemporaryDirectory()
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}
