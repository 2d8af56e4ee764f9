import type { ReceivedBytes } from '../content/content-kind.ts'
import type { PatchFormat, PatchKind } from './patch-kinds.ts'

/** What the thread is asked that makes patches. */
export type PatchQuestion = TreePatchQuestion | FilePatchQuestion

interface AskedPatch {
  /** What it is to make. */
  source: string
  /** Where to write it, by the formats of its kind. */
  targets: Readonly<Partial<Record<PatchFormat, string>>>
  /** A larger one is not worth it. */
  maxBytes: number
}

export interface TreePatchQuestion extends AskedPatch {
  kind: 'tree'
  /** What it is made of; null: of nothing. */
  base: string | null
}

export interface FilePatchQuestion extends AskedPatch {
  kind: Exclude<PatchKind, 'tree'>
  base: string
}

export type PatchAnswer =
  | {
      outcome: 'made'
      /** Of trees. */
      tree?: string
      baseTree?: string
      /** By format; absent where it is not worth it. */
      made: Readonly<Partial<Record<PatchFormat, ReceivedBytes>>>
    }
  | { outcome: 'not-smaller' | 'too-large' }

export function bytesOf(answer: PatchAnswer, format: PatchFormat): ReceivedBytes | undefined {
  return answer.outcome === 'made' ? answer.made[format] : undefined
}
