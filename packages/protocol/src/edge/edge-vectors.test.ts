import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Device } from '../device.ts'
import { UnexpectedJsonError } from '../json-reader.ts'
import { compileEdgeCatalog, decideAtEdge, type EdgeDecision } from './decide-at-edge.ts'
import { writeEdgeCatalog } from './edge-catalog.ts'
import { readEdgeKeyDocument, readEdgePointer, writeEdgeKeyDocument, writeEdgePointer } from './edge-documents.ts'
import { readEdgeCatalog } from './read-edge-catalog.ts'

interface DocumentCase {
  comment: string
  document: keyof typeof DOCUMENTS
  refusedAt: string | null
  text: string
}

interface DecisionCase {
  comment: string
  device: Device
  running?: number
  catalog: unknown
  expected: unknown
}

/** Each reads a text, and writes what it read. */
const DOCUMENTS = {
  keys: (text: string) => writeEdgeKeyDocument(readEdgeKeyDocument(text)),
  pointer: (text: string) => writeEdgePointer(readEdgePointer(text)),
  catalog: (text: string) => writeEdgeCatalog(readEdgeCatalog(text)),
}

function readVectors<Case>(name: 'documents' | 'decisions'): Case[] {
  const url = new URL(`../../../../vectors/edge/${name}.json`, import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as { cases: Case[] }).cases
}

describe('Static edge §4 to §6: documents', () => {
  const cases = readVectors<DocumentCase>('documents')

  test.each(cases.filter(({ refusedAt }) => refusedAt !== null))('$comment', ({ document, refusedAt, text }) => {
    let thrown: unknown
    try {
      DOCUMENTS[document](text)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(UnexpectedJsonError)
    expect((thrown as UnexpectedJsonError).pointer).toBe(refusedAt)
  })

  test.each(cases.filter(({ refusedAt }) => refusedAt === null))('$comment is read', ({ document, text }) => {
    const written = DOCUMENTS[document](text)
    // What was read is written again as it is read: nothing of it was lost that counts.
    expect(DOCUMENTS[document](written)).toBe(written)
  })
})

describe('Static edge §8: decisions', () => {
  test.each(readVectors<DecisionCase>('decisions'))('$comment', ({ device, running, catalog, expected }) => {
    const compiled = compileEdgeCatalog(readEdgeCatalog(JSON.stringify(catalog)))
    expect(summaryOf(decideAtEdge(compiled, device, 0, running))).toEqual(expected)
  })
})

function summaryOf(found: EdgeDecision) {
  if (found.kind === 'asks-server') return found
  const { decision } = found
  const { kind, nativeUpdate } = decision
  const isMove = kind === 'update' || kind === 'embedded'
  return {
    kind,
    ...(kind === 'update' && { releaseId: decision.release.id }),
    ...(isMove && { rolloutId: decision.rollout?.id ?? null, mandatory: decision.mandatory }),
    nativeUpdate: nativeUpdate?.minNativeVersion ?? null,
  }
}
