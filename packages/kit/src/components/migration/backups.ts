import { folderOf, removeDurably } from '../../ground/durable-files.ts'
import { runHook } from '../../hooks/run-hook.ts'
import type { MigrationBackup } from '../../installation/installation.ts'
import type { ComponentWork } from '../component-adapter.ts'
import { fail } from '../ground/component-errors.ts'
import { hookCall } from '../ground/component-facts.ts'
import { keepPlace, putFileBack, readKept } from '../ground/kept-place.ts'
import { writeWork } from '../ground/work-folder.ts'

/** Of a database: pages that have not come into it yet, and what readers share. */
const BESIDE_SQLITE = ['-wal', '-shm', '-journal']
const ALL_KEPT = 'backed-up'
const nameOf = (index: number, beside = '') => `backup-${index}${beside}`

/** Kits §3.5: keeps everything that a migration is about to change, once. */
export async function backUp(work: ComponentWork, backups: readonly MigrationBackup[]): Promise<void> {
  if (await isBackedUp(work)) return
  for (const [index, backup] of backups.entries()) await keep(work, backup, index)
  await writeWork(work, ALL_KEPT, new Uint8Array())
}

export async function isBackedUp({ workPath, ports }: ComponentWork): Promise<boolean> {
  return (await ports.disk.stat(`${workPath}/${ALL_KEPT}`)) !== undefined
}

/** The last first. Each may be done twice. */
export async function restore(work: ComponentWork, backups: readonly MigrationBackup[]): Promise<void> {
  for (const [index, backup] of [...backups.entries()].toReversed()) await bringBack(work, backup, index)
}

async function keep(work: ComponentWork, backup: MigrationBackup, index: number): Promise<void> {
  switch (backup.kind) {
    case 'file':
      await keepFile(work, backup.path, nameOf(index))
      return
    case 'sqlite':
      await keepSqlite(work, backup.path, index)
      return
    case 'commands':
      await saveByCommand(work, backup, index)
  }
}

async function keepFile(work: ComponentWork, path: string, name: string): Promise<void> {
  const kept = await keepPlace(work, path, name)
  if (kept.kind !== 'folder' && kept.kind !== 'link') return
  const { id } = work.step.component
  fail(
    'migration-failed',
    id,
    `Expected a file at ${path} to be kept before the migration, or nothing; found a ${kept.kind}.`,
  )
}

/** With the files beside it, and then as SQLite itself copies it, where it is asked. */
async function keepSqlite(work: ComponentWork, path: string, index: number): Promise<void> {
  const { workPath, ports } = work
  await keepFile(work, path, nameOf(index))
  const kept = await readKept(work, nameOf(index))
  if (kept?.kind !== 'file') return
  if (!ports.sqlite) {
    for (const beside of BESIDE_SQLITE) await keepFile(work, `${path}${beside}`, nameOf(index, beside))
    return
  }
  const copy = `${workPath}/${nameOf(index)}`
  await ports.sqlite.copy(ports.disk.locate(path), ports.disk.locate(`${copy}.sqlite`))
  const rights = await ports.disk.rights(copy)
  if (rights) await ports.disk.setRights(`${copy}.sqlite`, rights)
  await ports.disk.sync(`${copy}.sqlite`)
  await ports.disk.rename(`${copy}.sqlite`, copy)
  await ports.disk.syncDirectory(workPath)
}

async function saveByCommand(
  work: ComponentWork,
  { save }: Extract<MigrationBackup, { kind: 'commands' }>,
  index: number,
): Promise<void> {
  const { workPath, ports, step } = work
  const path = `${workPath}/${nameOf(index)}`
  const { id } = step.component
  await runHook(
    save,
    hookCall(work, { what: `The backup before ${id}`, code: 'migration-failed', facts: factOf(work, path) }),
  )
  if ((await ports.disk.stat(path))?.kind !== 'file') {
    fail(
      'migration-failed',
      id,
      `Expected ${save.run[0]} to write its backup to the file that HOTPATCH_KIT_BACKUP names; it did not.`,
    )
  }
  await ports.disk.sync(path)
  await ports.disk.syncDirectory(workPath)
}

const factOf = ({ ports }: ComponentWork, path: string) => ({ HOTPATCH_KIT_BACKUP: ports.disk.locate(path) })

async function bringBack(work: ComponentWork, backup: MigrationBackup, index: number): Promise<void> {
  const name = nameOf(index)
  if (backup.kind === 'commands') {
    const { id } = work.step.component
    const facts = factOf(work, `${work.workPath}/${name}`)
    await runHook(
      backup.restore,
      hookCall(work, { what: `Restoring what ${id} has changed`, code: 'revert-failed', facts }),
    )
    return
  }
  const kept = await readKept(work, name)
  if (!kept) return
  if (backup.kind === 'sqlite') {
    // What is beside the new database must not be taken for the old one's: it goes first.
    for (const beside of BESIDE_SQLITE) await removeDurably(work.ports.disk, `${backup.path}${beside}`)
  }
  await putFileBack(work, kept, backup.path, name)
  if (backup.kind === 'file') return
  for (const beside of BESIDE_SQLITE) {
    const other = await readKept(work, nameOf(index, beside))
    if (other?.kind === 'file') await putFileBack(work, other, `${backup.path}${beside}`, nameOf(index, beside))
  }
  await work.ports.disk.syncDirectory(folderOf(backup.path))
}
