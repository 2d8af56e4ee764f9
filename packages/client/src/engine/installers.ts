import type { ContentKindName } from '@hotpatch/protocol'
import { UpdateError } from '../ground/update-error.ts'
import type { Installer } from '../install/installer.ts'

/** @throws UpdateError 'statement-invalid' */
export function getInstaller(installers: readonly Installer[], kind: ContentKindName): Installer {
  const installer = installers.find((each) => each.kind === kind)
  if (!installer) throw new UpdateError('statement-invalid', `this engine does not take content of the kind ${kind}`)
  return installer
}
