import { createNodeSha256 } from '@hotpatch/device-ground/node'
import type { Host, VerifiedFile } from '../ground/ports.ts'
import { createEagerClock } from './eager-clock.ts'
import { createMemoryPart } from './memory-part.ts'
import { createScriptedHttp, type ScriptedAnswer } from './scripted-http.ts'

/** A host in memory, whose installer notes what it was handed. */
export function createMemoryHost(answers: readonly ScriptedAnswer[], pieceBytes?: number) {
  const handedOver: VerifiedFile[] = []
  const clock = createEagerClock()
  const http = createScriptedHttp(answers, pieceBytes)
  const part = createMemoryPart()
  const host: Host = {
    http,
    part,
    clock,
    sha256: createNodeSha256,
    installer: {
      async handOver(file) {
        handedOver.push(file)
      },
    },
  }
  return { host, http, part, clock, handedOver }
}
