import { createHash } from 'node:crypto'
import { FIRST_PREVIOUS_HASH, sealedText, type AuditHead, type EndLine, type SealedLine } from '@hotpatch/api'
import { readChainLine } from './chain-line.ts'

/** The end of the chain as it was at some time: what is before it can never be another again. */
export type KnownHead = Pick<AuditHead, 'position' | 'hash' | 'at'>

/** What is wrong, and with which entry. */
export interface Finding {
  kind: FindingKind
  /** In the chain; null for what has no place in it. */
  position: number | null
  entryId: string | null
  detail: string
}

export type FindingKind =
  | 'changed'
  | 'removed'
  | 'out-of-order'
  | 'broken-link'
  | 'inserted'
  | 'malformed'
  | 'incomplete'
  | 'filtered'
  | 'rewritten'
  | 'cut-off'

export interface Verified {
  /** The first few; `findingCount` says how many there were. */
  findings: Finding[]
  findingCount: number
  entries: number
  /** Of what was read. */
  head: Pick<AuditHead, 'position' | 'hash'>
  /** Entries that the server had not sealed yet. */
  waiting: number
  /** The highest of the known heads that is in the chain as it was. */
  agreed: KnownHead | null
  /** Whether it goes from the first entry to its end. */
  whole: boolean
}

const MAX_FINDINGS = 50

/**
 * Walks through an export, or several one after the other (Audit log §3).
 * @param known heads that were seen before
 * @param partial whether entries may be left out: then each is held against its own seal only
 * @param older whether it may have been exported before the last of the known heads was there
 */
export async function verifyChain(
  lines: AsyncIterable<unknown>,
  { known, partial, older = false }: { known: readonly KnownHead[]; partial: boolean; older?: boolean },
): Promise<Verified> {
  const found = collectFindings()
  const heads = new Map<number, KnownHead[]>()
  for (const head of known) heads.set(head.position, [...(heads.get(head.position) ?? []), head])
  let first: SealedLine | undefined
  let last: SealedLine | undefined
  let end: EndLine | undefined
  let agreed: KnownHead | null = null
  let entries = 0
  let number = 0

  function walk(line: SealedLine): void {
    entries += 1
    if (!partial) checkPlace(line)
    checkSeal(line)
    for (const head of heads.get(line.position) ?? []) compare(line, head)
    // Of an export that continues an earlier one.
    if (!first) for (const head of heads.get(line.position - 1) ?? []) comparePrevious(line, head)
    if (!last || line.position > last.position) last = line
    first ??= line
  }

  function checkPlace(line: SealedLine): void {
    const expected = last ? last.position + 1 : line.position
    if (line.position < expected) found.misplaced(line)
    else {
      for (let position = expected; position < line.position && found.hasRoom(); position++) found.removed(position)
      const before = last ? last.hash : line.position === 1 ? FIRST_PREVIOUS_HASH : line.previousHash
      if (line.position === expected && line.previousHash !== before) {
        found.add('broken-link', line, 'It does not follow from the entry before it: one of the two is not as it was.')
      }
    }
  }

  function checkSeal({ entry, ...line }: SealedLine): void {
    if (entry === null) return found.removed(line.position, line.entryId)
    const { position, previousHash, entryId, hash } = line
    const text = sealedText({ position, previousHash, entry })
    if (entry.id === entryId && createHash('sha256').update(text).digest('hex') === hash) return
    found.add('changed', line, 'It is not what was sealed: it was changed, or another was put in its place.')
  }

  function compare(line: SealedLine, head: KnownHead): void {
    if (line.hash !== head.hash) found.add('rewritten', line, `${seen(head)} It had another hash, ${head.hash}.`)
    else if (!agreed || head.position > agreed.position) agreed = head
  }

  function comparePrevious(line: SealedLine, head: KnownHead): void {
    compare({ ...line, position: head.position, hash: line.previousHash }, head)
  }

  for await (const value of lines) {
    number += 1
    const line = readChainLine(value)
    if (typeof line === 'string') found.add('malformed', undefined, `Line ${number}: ${line}.`)
    else if (line.kind === 'entry') walk(line)
    else if (line.kind === 'unsealed') {
      found.add('inserted', { entryId: line.entry.id }, 'It has no seal and waits for none: no server wrote it.')
    } else {
      end = line
      checkEnd(line)
      continue
    }
    // What follows the last line of an export belongs to the next one.
    end = undefined
  }
  if (!end) found.add('incomplete', last, 'The export has no last line: it broke off, or was cut off.')
  if (!partial) checkWhole()

  function checkEnd({ position, hash, filtered }: EndLine): void {
    if (filtered && !partial) {
      found.add('filtered', undefined, 'The export leaves entries out: of what is missing nothing can be said.')
    }
    if (partial || filtered) return
    const at = last ?? { position, hash, entryId: null }
    const reached = last ? last.position === position && last.hash === hash : position === 0
    if (!reached) found.add('incomplete', at, `The export says to end at ${position}, and does not.`)
  }

  function checkWhole(): void {
    const begins = first?.position ?? 1
    // An export that continues an earlier one is checked from there on.
    const continues = end?.after !== undefined && end.after > 0
    if (begins > 1 && !continues) {
      found.add('removed', { position: 1, entryId: null }, `The entries 1 to ${begins - 1} are missing.`)
    }
    for (const head of older ? [] : known) {
      if (head.position > (last?.position ?? 0)) found.add('cut-off', head, `${seen(head)} It is gone.`)
    }
  }

  const { findings, findingCount } = found.all()
  return {
    findings,
    findingCount,
    entries,
    head: { position: last?.position ?? 0, hash: last?.hash ?? FIRST_PREVIOUS_HASH },
    waiting: end?.waiting ?? 0,
    agreed,
    whole: findingCount === 0 && !partial && (first?.position ?? 1) === 1,
  }
}

function seen({ position, at }: KnownHead): string {
  return `The chain went up to ${position} on ${at}.`
}

function collectFindings() {
  let findings: Finding[] = []
  let findingCount = 0
  const hasRoom = () => findings.length < MAX_FINDINGS

  function add(kind: FindingKind, at: { position?: number; entryId?: string | null } | undefined, detail: string) {
    findingCount += 1
    if (hasRoom()) findings.push({ kind, position: at?.position ?? null, entryId: at?.entryId ?? null, detail })
  }

  function removed(position: number, entryId: string | null = null): void {
    add('removed', { position, entryId }, 'It is not there any more.')
  }

  /** An entry that seemed to be missing, and came later. */
  function misplaced({ position, entryId }: SealedLine): void {
    const before = findings.length
    findings = findings.filter((each) => !(each.kind === 'removed' && each.position === position && !each.entryId))
    findingCount -= before - findings.length
    add('out-of-order', { position, entryId }, 'It does not stand in its place.')
  }

  return { add, removed, misplaced, hasRoom, all: () => ({ findings, findingCount }) }
}
