import { textFromUtf8, utf8FromText, type KitComponentKind } from '@hotpatch/protocol'
import type { ComponentAdapter, ComponentWork } from '../components/component-adapter.ts'
import { folderOf, makeDurableDirectory, removeDurably, writeAtomically } from '../ground/durable-files.ts'
import { KitError } from '../ground/kit-error.ts'
import { VERSIONS_FOLDER } from '../ground/kit-layout.ts'

const ABSENT = 'absent'

/** A folder that a link exchanges: the smallest one that keeps what the interface demands. */
export function linkedAdapter(kind: KitComponentKind): ComponentAdapter {
  const versionOf = ({ step }: ComponentWork) => `${VERSIONS_FOLDER}/${step.component.id}/${step.file?.sha256 ?? ''}`

  return {
    kind,
    objections: async () => [],
    inspect: async () => undefined,
    async prepare(work) {
      const { disk } = work.ports
      const old = (await disk.readLink(work.place.path)) ?? ABSENT
      if (!(await disk.stat(`${work.workPath}/old`)))
        await writeAtomically(disk, `${work.workPath}/old`, utf8FromText(old))
      await makeDurableDirectory(disk, versionOf(work))
      await disk.copyFile(work.artifactPath ?? '', `${versionOf(work)}/content`)
      await disk.syncDirectory(versionOf(work))
    },
    async apply(work) {
      const { disk } = work.ports
      await disk.link(versionOf(work), work.place.path)
      await disk.syncDirectory(folderOf(work.place.path))
    },
    async revert(work) {
      const { disk } = work.ports
      const old = await textAt(work, `${work.workPath}/old`)
      if (old === ABSENT) await removeDurably(disk, work.place.path)
      else if (old !== undefined && (await disk.readLink(work.place.path)) !== old)
        await disk.link(old, work.place.path)
      await disk.syncDirectory(folderOf(work.place.path))
      if (old !== undefined && old !== versionOf(work)) await removeDurably(disk, versionOf(work))
    },
    async cleanUp(work) {
      const { disk } = work.ports
      const old = await textAt(work, `${work.workPath}/old`)
      if (old !== undefined && old !== ABSENT && old !== versionOf(work)) await removeDurably(disk, old)
    },
  }
}

/** An executable that a rename exchanges, and its service, which is restarted. */
export function renamedAdapter(kind: KitComponentKind): ComponentAdapter {
  async function restart({ step, place, ports }: ComponentWork): Promise<void> {
    if (!place.service?.restart) return
    const { exitCode, output } = await ports.hooks.run(place.service.restart, {})
    if (exitCode !== 0) throw new KitError('service-failed', output, { component: step.component.id })
  }

  return {
    kind,
    objections: async () => [],
    inspect: async () => undefined,
    async prepare(work) {
      const { disk } = work.ports
      const [old, next] = [`${work.workPath}/old`, `${work.workPath}/new`]
      if (!(await disk.stat(old))) {
        if (await disk.stat(work.place.path)) {
          await disk.copyFile(work.place.path, `${old}.tmp`)
          await disk.rename(`${old}.tmp`, old)
        } else {
          await disk.makeDirectory(old)
        }
        await disk.syncDirectory(work.workPath)
      }
      await disk.copyFile(work.artifactPath ?? '', next)
      await disk.setExecutable(next, true)
      await disk.syncDirectory(work.workPath)
    },
    async apply(work) {
      const { disk } = work.ports
      const next = `${work.workPath}/new`
      if (await disk.stat(next)) {
        await disk.rename(next, work.place.path)
        await disk.syncDirectory(folderOf(work.place.path))
        await disk.syncDirectory(work.workPath)
      }
      await restart(work)
    },
    async revert(work) {
      const { disk } = work.ports
      const old = `${work.workPath}/old`
      const found = await disk.stat(old)
      if (found?.kind === 'directory') await removeDurably(disk, work.place.path)
      if (found?.kind === 'file') {
        await disk.rename(old, work.place.path)
        await disk.syncDirectory(folderOf(work.place.path))
        await disk.syncDirectory(work.workPath)
      }
      await restart(work)
    },
    cleanUp: async () => undefined,
  }
}

async function textAt({ ports }: ComponentWork, path: string): Promise<string | undefined> {
  const bytes = await ports.disk.read(path)
  return bytes && textFromUtf8(bytes)
}
