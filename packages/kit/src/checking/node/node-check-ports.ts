import { join } from 'node:path'
import { createNodeCrypto } from '@hotpatch/client/node'
import { createNodeHttp } from '@hotpatch/device-ground/node'
import { systemClock } from '@hotpatch/device-ground/system-clock'
import { MAX_KIT_MANIFEST_BYTES } from '@hotpatch/protocol'
import { CHECKS_FILE } from '../../ground/kit-files.ts'
import { readSmallFile } from '../../ground/read-small-file.ts'
import { verifyMinisign } from '../../offers/verify-minisign.ts'
import type { CheckPorts } from '../check-settings.ts'
import { createMemorySession } from '../check-store.ts'
import { createFileCheckStore } from './file-check-store.ts'

/**
 * The ports of a process that is part of the kit installed in `root`.
 * @param releaseFile as the installation names it
 */
export function nodeCheckPorts(root: string, { releaseFile = 'substratum-kit-release.json' } = {}): CheckPorts {
  const { verifyEd25519 } = createNodeCrypto()
  return {
    http: createNodeHttp(),
    clock: patientClock(),
    crypto: { verifyEd25519, verifyMinisign },
    store: createFileCheckStore(join(root, CHECKS_FILE)),
    session: createMemorySession(),
    readInstalled: () => readSmallFile(join(root, releaseFile), MAX_KIT_MANIFEST_BYTES),
  }
}

/** The next check of tomorrow keeps no process from ending today. */
function patientClock() {
  const clock = systemClock()
  return {
    ...clock,
    after(ms: number, run: () => void) {
      const timer = setTimeout(run, ms).unref()
      return () => clearTimeout(timer)
    },
  }
}
