import type { InstallerFile } from '../content/content-kind.ts'
import { UsageError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import { architectureWord } from './file-facts.ts'

/**
 * Files of which a device could not tell which it should take are set apart by what is in them, as APKs for one processor
 * each, or by whoever is asked.
 */
export async function oneForEachMachine(session: Session, files: readonly InstallerFile[]): Promise<InstallerFile[]> {
  const chosen: InstallerFile[] = []
  for (const alike of Map.groupBy(files, machineOf).values()) {
    const apart = alike.length > 1 ? alike.map(withOwnArchitecture) : alike
    for (const same of Map.groupBy(apart, machineOf).values()) chosen.push(await chooseOne(session, same))
  }
  return chosen
}

async function chooseOne(session: Session, files: readonly InstallerFile[]): Promise<InstallerFile> {
  const [first, another] = files
  if (first && !another) return first
  const machine = first ? `${first.platform}, ${first.architecture}, ${first.format}` : ''
  const names = files.map((file) => ('path' in file ? file.path : file.url))
  const message = `Expected one file for ${machine}, found ${files.length}: ${names.join(', ')}.`
  const index = await session.choose(message, names, 'Name the one that is meant, or give each its --architecture.')
  const file = files[index]
  if (!file) throw new UsageError(message)
  return file
}

const machineOf = ({ platform, architecture, format, deltaFrom = '' }: InstallerFile) =>
  `${platform} ${architecture} ${format} ${deltaFrom}`

function withOwnArchitecture(file: InstallerFile): InstallerFile {
  const [own, another] = file.application?.architectures ?? []
  if (file.architecture !== 'any' || own === undefined || another !== undefined) return file
  return { ...file, architecture: architectureWord(own) }
}
