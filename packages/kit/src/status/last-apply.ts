import { join } from 'node:path'
import type { FilesPort } from '@hotpatch/device-ground'
import {
  MAX_KIT_COMPONENTS,
  parseJson,
  readArray,
  readObject,
  readString,
  UnexpectedJsonError,
} from '@hotpatch/protocol'
import { writeKitFile } from '../ground/kit-files.ts'
import { KIT_FOLDER } from '../ground/kit-layout.ts'
import { readSmallFile } from '../ground/read-small-file.ts'
import type { LastApply } from './kit-status.ts'

/** Kits §6: what the coordinator leaves for whoever shows how the kit is. It decides nothing. */
const LAST_APPLY_FILE = `${KIT_FOLDER}/last-apply.json`
const STATES = ['applying', 'rolled_back', 'stuck'] as const
const MAX_BYTES = 64 * 1024

/** For the coordinator: whenever an apply begins, is taken back, or is stuck; undefined: it was committed. */
export async function writeLastApply(disk: FilesPort, last: LastApply | undefined): Promise<void> {
  if (last === undefined) {
    await disk.remove(LAST_APPLY_FILE)
    return
  }
  const { state, releaseId, components } = last
  await writeKitFile(disk, LAST_APPLY_FILE, { state, release_id: releaseId, components })
}

/** Undefined as well when it is damaged: the next apply writes it anew. */
export async function readLastApply(root: string): Promise<LastApply | undefined> {
  try {
    const text = await readSmallFile(join(root, LAST_APPLY_FILE), MAX_BYTES)
    if (text === undefined) return undefined
    const json = readObject(parseJson(text), '')
    const state = STATES.find((each) => each === json.state)
    if (state === undefined) return undefined
    const components = readArray(json.components, '/components', MAX_KIT_COMPONENTS)
    return {
      state,
      releaseId: readString(json.release_id, '/release_id'),
      components: components.map((each, index) => readString(each, `/components/${index}`)),
    }
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return undefined
    throw error
  }
}
