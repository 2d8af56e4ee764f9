import type { ContentKindName } from '@hotpatch/protocol'
import { archiveInstaller } from '../archive/archive-installer.ts'
import { filesInstaller } from '../files/files-installer.ts'
import { UpdateError } from '../ground/update-error.ts'
import type { Installer } from '../install/installer.ts'

/** The kinds of content that this engine takes, Content §1. */
const INSTALLERS: readonly Installer[] = [archiveInstaller, filesInstaller]

export function getInstaller(kind: ContentKindName): Installer {
  const installer = INSTALLERS.find((each) => each.kind === kind)
  if (!installer) throw new UpdateError('statement-invalid', `this engine does not take content of the kind ${kind}`)
  return installer
}
