import { makeDurableDirectory, writeAtomically } from '../../ground/durable-files.ts'
import type { ComponentWork } from '../component-adapter.ts'

/** A file of this component's work, whole or not at all. */
export async function writeWork(work: ComponentWork, name: string, bytes: Uint8Array): Promise<void> {
  const { disk } = work.ports
  await makeDurableDirectory(disk, work.workPath)
  await writeAtomically(disk, `${work.workPath}/${name}`, bytes)
}

const MARK = 'applying'

/** Set before the first side effect of an apply: a way back without it has nothing to start again. */
export async function markApplying(work: ComponentWork): Promise<void> {
  if (await hasBegunApplying(work)) return
  await writeWork(work, MARK, new Uint8Array())
}

export async function hasBegunApplying({ workPath, ports: { disk } }: ComponentWork): Promise<boolean> {
  return (await disk.stat(`${workPath}/${MARK}`)) !== undefined
}
