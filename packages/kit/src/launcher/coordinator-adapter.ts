import { textFromUtf8, utf8FromText, type KitFile } from '@hotpatch/protocol'
import type { ComponentAdapter, ComponentWork } from '../components/component-adapter.ts'
import { expectArtifact } from '../components/ground/component-artifact.ts'
import { inWordsOfKits } from '../components/ground/component-errors.ts'
import { removeFolder, unpackFolder } from '../components/ground/unpack.ts'
import { makeDurableDirectory, removeDurably, writeAtomically } from '../ground/durable-files.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { KitError } from '../ground/kit-error.ts'
import { COORDINATOR_FOLDER } from '../ground/kit-layout.ts'
import { readPointerOn } from './coordinator-pointer.ts'
import { COORDINATOR_ENTRY, COORDINATOR_VERSIONS, POINTER_FILE, readPointer, writePointer } from './launcher.ts'

/** In the work folder: the pointer as it was; empty where there was none. */
const KEPT = 'pointer'

/**
 * Kits §3.6: the coordinator itself, behind everything else. It is only made ready and pointed at: the process that does
 * this goes on as it is, and the launcher starts the new one, on probation, at the next time.
 */
export const coordinatorAdapter: ComponentAdapter = {
  kind: 'coordinator',

  async objections({ step, ports }) {
    const { failed } = await readPointerOn(ports.disk)
    const { id, version } = step.component
    if (step.file === undefined || !failed.includes(step.file.sha256)) return []
    return [`Version ${version} of ${id} was started here before, and never confirmed itself.`]
  },

  async inspect({ ports }) {
    const { current } = await readPointerOn(ports.disk)
    return current === null ? undefined : { version: current.version, sha256: current.sha256 }
  },

  async prepare(work) {
    const { disk } = work.ports
    const file = fileOf(work)
    await keepPointer(work)
    const { current, previous } = await readPointerOn(disk)
    // Of the same bytes, whole, and perhaps running.
    if ([current, previous].some((version) => version?.sha256 === file.sha256)) return
    const artifact = await expectArtifact(work)
    const [folder, component] = [`${COORDINATOR_VERSIONS}/${file.sha256}`, work.step.component.id]
    await inWordsOfKits(component, async () => {
      await removeFolder(disk, folder)
      await unpackFolder(work.ports, artifact, { folder, component, expects: COORDINATOR_ENTRY })
    })
  },

  async apply(work) {
    const { disk } = work.ports
    const pointer = await readPointerOn(disk)
    const { sha256 } = fileOf(work)
    if (pointer.current?.sha256 === sha256) return
    // One that never confirmed itself is nothing to go back to.
    const previous = pointer.probation === null ? pointer.current : pointer.previous
    const current = { version: work.step.component.version, sha256 }
    await makeDurableDirectory(disk, COORDINATOR_FOLDER)
    const next = writePointer({ ...pointer, current, previous, probation: { starts: 0 } })
    await writeAtomically(disk, POINTER_FILE, utf8FromText(next))
  },

  async revert(work) {
    const { disk } = work.ports
    const kept = await readKept(work)
    // Nothing was begun.
    if (kept === undefined) return
    const { sha256 } = fileOf(work)
    const before = readPointer(kept)
    if ((await readPointerOn(disk)).current?.sha256 === sha256 && before.current?.sha256 !== sha256) {
      if (kept === '') await removeDurably(disk, POINTER_FILE)
      else await writeAtomically(disk, POINTER_FILE, utf8FromText(kept))
    }
    await removeDurably(disk, `${POINTER_FILE}.new`)
    const isUsed = [before.current, before.previous].some((version) => version?.sha256 === sha256)
    if (!isUsed) await removeFolder(disk, `${COORDINATOR_VERSIONS}/${sha256}`)
    if (kept === '') await removeEmpty(disk)
  },

  // The one before stays until the new one has confirmed itself (`confirmCoordinator`).
  async cleanUp() {},
}

async function keepPointer(work: ComponentWork): Promise<void> {
  if ((await readKept(work)) !== undefined) return
  const { disk } = work.ports
  await makeDurableDirectory(disk, work.workPath)
  const pointer = (await disk.stat(POINTER_FILE)) ? await disk.read(POINTER_FILE) : undefined
  await writeAtomically(disk, `${work.workPath}/${KEPT}`, pointer ?? new Uint8Array())
}

async function readKept({ workPath, ports: { disk } }: ComponentWork): Promise<string | undefined> {
  const path = `${workPath}/${KEPT}`
  if ((await disk.stat(path)) === undefined) return undefined
  return textFromUtf8((await disk.read(path)) ?? new Uint8Array())
}

/** As if nothing had ever been there. */
async function removeEmpty(disk: KitDisk): Promise<void> {
  for (const folder of [COORDINATOR_VERSIONS, COORDINATOR_FOLDER]) {
    if ((await disk.list(folder))?.length === 0) await removeDurably(disk, folder)
  }
}

function fileOf({ step: { file, component } }: ComponentWork): KitFile {
  if (file) return file
  const message = `The release has no file of ${component.id} for this machine.`
  throw new KitError('no-file-for-machine', message, { component: component.id })
}
