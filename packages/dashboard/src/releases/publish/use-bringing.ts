import type { Application, NewReleaseContent } from '@hotpatch/api'
import { useCallback, useEffect, useRef, useState } from 'react'
import { currentApi } from '../../ground/api.ts'
import { digestFiles, zipFiles } from './pack.ts'
import type { BinaryChoice, ContentChoice, Recognised } from './recognise.ts'
import { sendAssets } from './send-files.ts'
import { sendResumable, type Sending } from './send.ts'

/** A file of a whole app that is on the server. */
export interface BroughtBinary extends BinaryChoice {
  sha256: string
  application: Application | null
}

export type Brought =
  | { kind: 'archive' | 'files'; content: NewReleaseContent }
  | { kind: 'binary'; binaries: readonly BroughtBinary[] }

export interface Bringing {
  phase: 'packing' | 'sending' | 'done' | 'failed'
  doneBytes: number
  totalBytes: number
  /** The server is not reached, and it is tried again and again. */
  isWaiting: boolean
  brought: Brought | undefined
  error: unknown
}

const START: Bringing = {
  phase: 'packing',
  doneBytes: 0,
  totalBytes: 0,
  isWaiting: false,
  brought: undefined,
  error: undefined,
}

/** Packs what was dropped and brings it to the server, where it waits a day for its release. */
export function useBringing(
  app: string,
  recognised: Recognised | undefined,
  choice: ContentChoice | undefined,
): Bringing & { retry: () => void } {
  const [state, setState] = useState(START)
  const [tries, setTries] = useState(0)
  const running = useRef<AbortController>(undefined)
  useEffect(() => {
    running.current?.abort()
    setState(START)
    if (!recognised || !choice) return undefined
    const stop = new AbortController()
    running.current = stop
    const change = (changes: Partial<Bringing>) => {
      if (!stop.signal.aborted) setState((before) => ({ ...before, ...changes }))
    }
    bring(app, recognised, choice, change, stop.signal).then(
      (brought) => change({ phase: 'done', brought, isWaiting: false }),
      (error: unknown) => change({ phase: 'failed', error, isWaiting: false }),
    )
    return () => stop.abort()
  }, [app, recognised, choice, tries])
  const retry = useCallback(() => setTries((before) => before + 1), [])
  return { ...state, retry }
}

type Change = (changes: Partial<Bringing>) => void

async function bring(
  app: string,
  recognised: Recognised,
  choice: ContentChoice,
  change: Change,
  signal: AbortSignal,
): Promise<Brought> {
  const totalBytes = recognised.files.reduce((sum, { file }) => sum + file.size, 0)
  change({ totalBytes })
  const sending: Sending = {
    api: currentApi,
    app,
    signal,
    onProgress: (doneBytes) => change({ phase: 'sending', doneBytes }),
    onWaiting: (isWaiting) => change({ isWaiting }),
  }
  const onPacked = (doneBytes: number) => change({ doneBytes })
  switch (choice) {
    case 'archive':
      return bringArchive(recognised, { ...sending, onPacked }, change)
    case 'files':
      return {
        kind: 'files',
        content: await sendAssets(recognised.files, recognised.entry, { ...sending, onPacked }),
      }
    case 'binary':
      return bringBinaries(recognised, { ...sending, onPacked })
  }
}

type Packed = Sending & { onPacked: (doneBytes: number) => void }

async function bringArchive({ zip, files, entry }: Recognised, sending: Packed, change: Change): Promise<Brought> {
  const { onPacked: onProgress, signal } = sending
  const packing = { onProgress, signal }
  const { blob, sha256 } = zip
    ? { blob: zip, sha256: (await digestFiles([{ path: zip.name, file: zip }], packing))[0] ?? '' }
    : await zipFiles(files, packing)
  change({ totalBytes: blob.size, doneBytes: 0, phase: 'sending' })
  await sendResumable(blob, { sha256, sizeBytes: blob.size, kind: 'archive' }, sending)
  const isWeb = entry === 'index.html'
  return {
    kind: 'archive',
    content: { kind: 'archive', sha256, sizeBytes: blob.size, ...(isWeb && { entry }) },
  }
}

async function bringBinaries({ binaries }: Recognised, sending: Packed): Promise<Brought> {
  const { onPacked: onProgress, signal, api, app } = sending
  const named = binaries.map(({ file }) => ({ path: file.name, file }))
  const digests = await digestFiles(named, { onProgress, signal })
  const brought: BroughtBinary[] = []
  let before = 0
  for (const [index, binary] of binaries.entries()) {
    const sha256 = digests[index] ?? ''
    const { file } = binary
    const claim = { sha256, sizeBytes: file.size, kind: 'binary', filename: file.name } as const
    const sent = before
    await sendResumable(file, claim, { ...sending, onProgress: (bytes) => sending.onProgress(sent + bytes) })
    before += file.size
    const artifact = await api().findArtifact(app, sha256, 'binary')
    const application = artifact?.kind === 'binary' ? artifact.application : null
    brought.push({ ...binary, sha256, application, architecture: architectureOf(binary, application) })
  }
  return { kind: 'binary', binaries: brought }
}

/** What the file says of itself is right; of several, it runs on all. */
function architectureOf({ architecture }: BinaryChoice, application: Application | null): string {
  const [first, ...others] = application?.architectures ?? []
  if (first === undefined) return architecture
  return others.length > 0 ? 'any' : first
}
