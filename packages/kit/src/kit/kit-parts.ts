import { join } from 'node:path'
import { createNodeCrypto, createNodeFiles } from '@hotpatch/client/node'
import type { AllowInsecure, ClockPort, CryptoPort, FilesPort, HttpPort } from '@hotpatch/device-ground'
import { createNodeHttp } from '@hotpatch/device-ground/node'
import { systemClock } from '@hotpatch/device-ground/system-clock'
import { nodeProcess } from '../applying/node-process.ts'
import type { CheckStore } from '../checking/check-store.ts'
import { createFileCheckStore } from '../checking/node/file-check-store.ts'
import { createNodeDisk } from '../ground/node-disk.ts'
import type { HooksPort } from '../ground/hooks.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { CHECKS_FILE } from '../ground/kit-files.ts'
import type { ProcessFacts } from '../ground/process-facts.ts'
import { createHookNotes } from '../hooks/hook-notes.ts'
import { createNodeHooks } from '../hooks/node-hooks.ts'
import type { OfferCrypto } from '../offers/verify-offer.ts'
import { verifyMinisign } from '../offers/verify-minisign.ts'
import { machineOf, type Machine } from '../planning/this-machine.ts'
import { createNodeTcp } from '../probes/node-tcp.ts'
import type { TcpPort } from '../probes/tcp-port.ts'

/** What a kit stands on; in tests each of them may be another one. */
export interface KitPorts {
  disk: KitDisk
  http: HttpPort
  tcp: TcpPort
  clock: ClockPort
  crypto: CryptoPort & OfferCrypto
  hooks: HooksPort
  /** What the kit's applications keep of their checks. */
  checks: CheckStore
  process: ProcessFacts
  machine: Machine
  /** A folder outside of the installation, such as a stick that somebody has brought. */
  openFolder: (path: string) => FilesPort
  allowInsecure: AllowInsecure
}

/** The machine that this process runs on. */
export function nodePorts({
  root,
  environment,
  process: own,
}: {
  root: string
  environment: Readonly<Record<string, string | undefined>>
  process: { platform: string; arch: string }
}): KitPorts {
  const clock = systemClock()
  const disk = createNodeDisk(root)
  const process = nodeProcess()
  return {
    disk,
    http: createNodeHttp(),
    tcp: createNodeTcp(),
    clock,
    crypto: { ...createNodeCrypto(), verifyMinisign },
    checks: createFileCheckStore(join(root, CHECKS_FILE)),
    hooks: createNodeHooks({ directory: root, environment, clock, notes: createHookNotes({ disk, clock, process }) }),
    process,
    machine: machineOf(own),
    openFolder: createNodeFiles,
    // As kit.json may name it: in the clear to this machine alone.
    allowInsecure: 'loopback',
  }
}
