import { readObject, readString, textFromUtf8, UnexpectedJsonError, utf8FromText } from '@hotpatch/protocol'
import { folderOf, makeDurableDirectory } from '../../ground/durable-files.ts'
import type { ComponentAdapter, ComponentWork } from '../component-adapter.ts'
import { filesAdapter } from '../files/files-adapter.ts'
import { expectArtifact, hashFile } from '../ground/component-artifact.ts'
import { asRevert, fail, inWordsOfKits } from '../ground/component-errors.ts'
import { noPath, pathOf } from '../ground/component-facts.ts'
import { keepPlace, placeFile, putFileBack, readKept, removeMade } from '../ground/kept-place.ts'
import { hasBegunApplying, markApplying, writeWork } from '../ground/work-folder.ts'

/** Which bundle is staged: read by the app's own updater (Kits §3.4). */
const STAGED = 'staged.json'
const KEPT_STAGED = 'kept-staged'
const MAX_STAGED_BYTES = 64 * 1024
const BUNDLE = /^[0-9a-f]{64}\.bundle$/

/**
 * Kits §3.4: an app on people's desktops. One file is put where the app's own updater finds it, and is not run; a zip is
 * a folder that is exchanged, as of `files`.
 */
export const appAdapter: ComponentAdapter = {
  kind: 'app',

  async objections(work) {
    const { step, place, ports } = work
    if (isFolder(work)) return filesAdapter.objections(work)
    const { id } = step.component
    if (place.path === '') return [noPath(id, 'app')]
    const stat = await ports.disk.stat(place.path)
    return stat?.kind === 'file' ? [`At ${place.path} lies a file; bundles of ${id} are staged in a folder.`] : []
  },

  inspect: (work) => (isFolder(work) ? filesAdapter.inspect(work) : readStaged(work)),

  async prepare(work) {
    if (isFolder(work)) return filesAdapter.prepare(work)
    await inWordsOfKits(work.step.component.id, () => prepareStaged(work))
  },

  async apply(work) {
    if (isFolder(work)) return filesAdapter.apply(work)
    await inWordsOfKits(work.step.component.id, async () => {
      await markApplying(work)
      await stage(work)
    })
  },

  async revert(work) {
    if (isFolder(work)) return filesAdapter.revert(work)
    if (await hasBegunApplying(work)) await asRevert(work.step.component.id, () => unstage(work))
  },

  async cleanUp(work) {
    if (isFolder(work)) return filesAdapter.cleanUp(work)
    await sweepBundles(work)
  },
}

const isFolder = ({ step }: Pick<ComponentWork, 'step'>) => step.file?.format === 'zip'
const bundleOf = ({ step, place }: ComponentWork) => `${place.path}/${step.file?.sha256 ?? ''}.bundle`
const stagedOf = ({ place }: Pick<ComponentWork, 'place'>) => `${place.path}/${STAGED}`

async function prepareStaged(work: ComponentWork): Promise<void> {
  const path = pathOf(work)
  const { component } = work.step
  const folder = await keepPlace(work, path)
  if (folder.kind === 'file' || folder.kind === 'link') {
    fail('installation-invalid', component.id, `Expected a folder at ${path}, or nothing; found a ${folder.kind}.`)
  }
  const before = await keepPlace(work, stagedOf(work), KEPT_STAGED)
  if (before.kind === 'folder' || before.kind === 'link') {
    fail(
      'installation-invalid',
      component.id,
      `Expected a file at ${stagedOf(work)}, or nothing; found a ${before.kind}.`,
    )
  }
  const { file } = await expectArtifact(work)
  if ((await work.ports.disk.stat(`${work.workPath}/${STAGED}`)) !== undefined) return
  const staged = {
    bundle_version: component.version,
    staged_at: new Date(work.ports.clock.now()).toISOString(),
    artifact_digest: `sha256:${file.sha256}`,
    size_bytes: file.sizeBytes,
    file: `${file.sha256}.bundle`,
  }
  await writeWork(work, STAGED, utf8FromText(`${JSON.stringify(staged, null, 2)}\n`))
}

async function stage(work: ComponentWork): Promise<void> {
  const { workPath, artifactPath = '', ports } = work
  await makeDurableDirectory(ports.disk, pathOf(work))
  if ((await hashFile(ports.disk, ports.crypto, bundleOf(work))) !== work.step.file?.sha256) {
    const copy = 'bundle'
    await expectArtifact(work)
    await ports.disk.copyFile(artifactPath, `${workPath}/${copy}`)
    await ports.disk.setRights(`${workPath}/${copy}`, { mode: 0o644 })
    await placeFile(work, copy, bundleOf(work))
  }
  // The updater of the app reads it at any moment: the bundle that it names is there before.
  const pointer = `${STAGED}.placed`
  await ports.disk.copyFile(`${workPath}/${STAGED}`, `${workPath}/${pointer}`)
  await placeFile(work, pointer, stagedOf(work))
}

async function unstage(work: ComponentWork): Promise<void> {
  const { disk } = work.ports
  const [folder, before] = [await readKept(work), await readKept(work, KEPT_STAGED)]
  if (!folder || !before) return
  if ((await disk.stat(work.place.path)) !== undefined) {
    await putFileBack(
      work,
      before.kind === 'absent' ? { ...before, madeFrom: undefined } : before,
      stagedOf(work),
      KEPT_STAGED,
    )
    const old = await readStaged(work)
    if (old?.sha256 !== work.step.file?.sha256) {
      await disk.remove(bundleOf(work))
      await disk.syncDirectory(folderOf(bundleOf(work)))
    }
  }
  if (folder.kind === 'absent' && !((await disk.list(work.place.path)) ?? []).length) {
    await removeMade(disk, folder, work.place.path)
  }
}

async function sweepBundles(work: ComponentWork): Promise<void> {
  const { disk } = work.ports
  const { path } = work.place
  const current = await readStaged(work)
  if (current?.sha256 === undefined) return
  const old = ((await disk.list(path)) ?? []).filter(
    (name) => BUNDLE.test(name) && !name.startsWith(current.sha256 ?? ''),
  )
  for (const name of old) await disk.remove(`${path}/${name}`)
  if (old.length > 0) await disk.syncDirectory(path)
}

/** Undefined, too, where somebody has written something else. */
async function readStaged(work: Pick<ComponentWork, 'place' | 'ports'>) {
  const { disk } = work.ports
  const stat = await disk.stat(stagedOf(work))
  if (stat?.kind !== 'file' || stat.sizeBytes > MAX_STAGED_BYTES) return undefined
  try {
    const json = readObject(JSON.parse(textFromUtf8((await disk.read(stagedOf(work))) ?? new Uint8Array()) ?? ''), '')
    return {
      version: readString(json.bundle_version, '/bundle_version'),
      sha256: readString(json.artifact_digest, '/artifact_digest').replace(/^sha256:/, ''),
      stagedAt: readString(json.staged_at, '/staged_at'),
    }
  } catch (error) {
    if (error instanceof UnexpectedJsonError || error instanceof SyntaxError) return undefined
    throw error
  }
}
