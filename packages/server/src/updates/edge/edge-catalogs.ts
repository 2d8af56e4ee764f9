import { createHash } from 'node:crypto'
import {
  compileCatalog,
  edgeCatalogOf,
  edgeStandingOf,
  MAX_EDGE_CATALOG_BYTES,
  MAX_EDGE_ROLLOUTS,
  writeEdgeCatalog,
  type CompiledCatalog,
  type EdgeObstacle,
  type EdgeOffer,
  type EdgeSource,
  type EdgeStatement,
} from '@hotpatch/protocol'
import type { CatalogData, OfferedRelease, Restatement } from '../catalog-queries.ts'

/** People read them in a dialog: the rest of a novel is on the server. */
const MAX_NOTES = 4_000

export interface MadeEdgeCatalog {
  text: string
  sha256: string
  sizeBytes: number
  /** Rollouts that devices must ask the server for. */
  obstacles: readonly { rolloutId: string; reason: EdgeObstacle }[]
  /** When the next rollout begins; undefined: none waits. */
  changesAt: number | undefined
}

/** Static edge §6. Pure: what is public of a catalog, as it is at `now`. */
export function makeEdgeCatalog(
  { catalog: data, restatements }: Pick<CatalogData, 'catalog' | 'restatements'>,
  now: number,
  drawsByDeviceId: boolean,
): MadeEdgeCatalog {
  const catalog = compileCatalog(data)
  const source: EdgeSource<OfferedRelease> = {
    drawsByDeviceId,
    offerOf,
    restatementOf: (rolloutId) => writeStatement(restatements.get(rolloutId)),
  }
  const { text, bytes } = writeWithin(catalog, now, source)
  return {
    text,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    sizeBytes: bytes.length,
    obstacles: catalog.rollouts.flatMap((rollout) => {
      const standing = edgeStandingOf(rollout, now, source)
      return standing.kind === 'asks-server' ? [{ rolloutId: rollout.id, reason: standing.obstacle }] : []
    }),
    changesAt: nextStart(catalog, now),
  }
}

/** Statements may be long: as many rollouts as there is room for, the newest first. */
function writeWithin(catalog: CompiledCatalog<OfferedRelease>, now: number, source: EdgeSource<OfferedRelease>) {
  for (let count = MAX_EDGE_ROLLOUTS; ; count = Math.floor(count / 2)) {
    const text = writeEdgeCatalog(edgeCatalogOf(catalog, now, source, count))
    const bytes = Buffer.from(text)
    if (bytes.length <= MAX_EDGE_CATALOG_BYTES || count === 0) return { text, bytes }
  }
}

function offerOf({ content, signature, notes, ...signed }: OfferedRelease): EdgeOffer {
  if (content.kind !== 'archive') throw new Error(`An edge offers archives, and this is content of ${content.kind}.`)
  const { sha256, sizeBytes } = content
  const { statement, statementSignature } = signed
  const stated = statement !== null && statementSignature !== null ? { statement, statementSignature } : undefined
  const told = notes === '' ? null : notes.slice(0, MAX_NOTES)
  return { sha256, sizeBytes, signature, stated: writeStatement(stated) ?? null, notes: told }
}

function writeStatement(signed: Restatement | undefined): EdgeStatement | undefined {
  return (
    signed && {
      statement: Buffer.from(signed.statement).toString('base64'),
      statementSignature: signed.statementSignature,
    }
  )
}

function nextStart({ rollouts }: CompiledCatalog, now: number): number | undefined {
  const waiting = rollouts.filter(({ state }) => state === 'active' || state === 'paused')
  const starts = waiting.flatMap(({ startsAt }) => (startsAt !== null && startsAt > now ? [startsAt] : []))
  return starts.length > 0 ? Math.min(...starts) : undefined
}
