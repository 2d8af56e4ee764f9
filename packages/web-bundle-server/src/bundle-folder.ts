import { createHash } from 'node:crypto'
import { open, realpath, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { copyAndHash, type BundleSnapshot } from './bundle-snapshot.ts'

/** What lies in the folder of an image, by these names. */
const BUNDLE = 'bundle.zip'
const CHECKSUM = 'bundle.sha256'
const VERSION = 'VERSION'
const MINIMUM = 'MIN_NATIVE_VERSION'
/** Need not be there. */
const SIGNATURE = 'bundle.sig'
const NAMES = [BUNDLE, CHECKSUM, VERSION, MINIMUM, SIGNATURE]

const MAX_TEXT_BYTES = 4096
/** So long the files must have been left alone, where nothing but the zip is bound to the checksum. */
const SETTLED_MS = 2000
const MAX_ATTEMPTS = 3

const VERSION_TEXT = /^[^\s\p{Cc}]{1,100}$/u
const NATIVE_VERSION = /^v?\d{1,9}(?:\.\d{1,9}){0,3}(?:[-+][0-9A-Za-z.+-]{1,60})?$/
const SHA256_LINE = /^([0-9a-f]{64})(?: [ *](?:\.\/)?(.+))?$/i
const SIGNATURE_TEXT = /^[A-Za-z0-9+/]{86}==$/

/** Why there is nothing to serve; the app then keeps what it has. */
export class BundleUnavailable extends Error {
  override name = 'BundleUnavailable'
  /** It is about what the files say: the same ones will do no better. Else, such as without room for a copy, they may. */
  readonly isOfFiles: boolean

  constructor(message: string, { cause, isOfFiles = true }: ErrorOptions & { isOfFiles?: boolean } = {}) {
    super(message, { cause })
    this.isOfFiles = isOfFiles
  }
}

export interface BundleFolder {
  /**
   * The build that lies there now.
   * @throws BundleUnavailable when there is none, or it is being replaced
   */
  current(): Promise<BundleSnapshot>
  /** The current one or the one before, which devices may be in the middle of downloading. */
  find(checksum: string): Promise<BundleSnapshot | undefined>
  close(): void
}

interface Loaded {
  /** Of the files that it was read from. */
  state: string
  outcome: BundleSnapshot | BundleUnavailable
}

/**
 * Watches nothing: every question looks at the files' places and times, which costs a few microseconds, and reads them
 * again only when one of them is another.
 */
export function openBundleFolder({
  directory,
  temporaryDirectory,
  now = Date.now,
}: {
  directory: string
  temporaryDirectory?: string | undefined
  now?: (() => number) | undefined
}): BundleFolder {
  let loaded: Loaded | undefined
  let before: BundleSnapshot | undefined
  let loading: Promise<Loaded> | undefined

  async function load(): Promise<Loaded> {
    const { state } = await stateOf(directory, now())
    if (loaded?.state === state) return loaded
    const read = await readBuild(directory, { temporaryDirectory, now })
    const { outcome } = read
    if (outcome instanceof BundleUnavailable) {
      const isFinal = read.isSettled && outcome.isOfFiles
      return (loaded = { state: isFinal ? read.state : '', outcome: keep(outcome) })
    }
    replace(outcome)
    return (loaded = { state: read.state, outcome })
  }

  /** What was served until now can still be downloaded by those who were told of it. */
  function keep(outcome: BundleUnavailable): BundleUnavailable {
    if (loaded && !(loaded.outcome instanceof BundleUnavailable)) remember(loaded.outcome)
    return outcome
  }

  function replace(snapshot: BundleSnapshot): void {
    if (loaded && !(loaded.outcome instanceof BundleUnavailable)) remember(loaded.outcome)
    if (before?.checksum === snapshot.checksum) {
      before.discard()
      before = undefined
    }
  }

  function remember(snapshot: BundleSnapshot): void {
    if (before !== snapshot) before?.discard()
    before = snapshot
  }

  async function look(): Promise<Loaded> {
    // One reads for all that ask meanwhile.
    loading ??= load().finally(() => (loading = undefined))
    return loading
  }

  return {
    async current() {
      const { outcome } = await look()
      if (outcome instanceof BundleUnavailable) throw outcome
      return outcome
    },
    async find(checksum) {
      const { outcome } = await look()
      if (!(outcome instanceof BundleUnavailable) && outcome.checksum === checksum) return outcome
      return before?.checksum === checksum ? before : undefined
    },
    close() {
      before?.discard()
      if (loaded && !(loaded.outcome instanceof BundleUnavailable)) loaded.outcome.discard()
      before = undefined
      loaded = undefined
    },
  }
}

/** A switched link, a renamed file and one that was written to are all something else. */
async function stateOf(directory: string, now: number): Promise<{ state: string; isSettled: boolean }> {
  const stats = await Promise.all(
    NAMES.map((name) => stat(join(directory, name), { bigint: true }).catch(() => undefined)),
  )
  const latest = Math.max(...stats.map((each) => Number(each?.ctimeMs ?? 0n)))
  return {
    state: stats
      .map((each) => (each ? [each.dev, each.ino, each.size, each.mtimeNs, each.ctimeNs].join('.') : '-'))
      .join(' '),
    // A clock that was set back must not keep a bundle away for long.
    isSettled: Math.abs(now - latest) >= SETTLED_MS,
  }
}

/** Whether files were left alone is said of those that are read, and not of what lay there a moment before. */
async function readBuild(
  directory: string,
  { temporaryDirectory, now }: { temporaryDirectory: string | undefined; now: () => number },
): Promise<Loaded & { isSettled: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    const { state, isSettled } = await stateOf(directory, now())
    const outcome = await readOnce(directory, { temporaryDirectory, isSettled })
    const after = await stateOf(directory, now())
    if (after.state === state) return { state, outcome, isSettled }
    if (!(outcome instanceof BundleUnavailable)) outcome.discard()
    if (attempt === MAX_ATTEMPTS) {
      return { state: '', outcome: unavailable('the files changed while they were read'), isSettled: false }
    }
  }
}

interface ReadOptions {
  temporaryDirectory: string | undefined
  isSettled: boolean
}

async function readOnce(
  directory: string,
  { temporaryDirectory, isSettled }: ReadOptions,
): Promise<BundleSnapshot | BundleUnavailable> {
  try {
    // Through one real folder: a link may be switched between two files.
    const folder = await realpath(directory)
    // One after the other: of several that are not there it is always the same that is told.
    const sums = await readText(folder, CHECKSUM)
    const version = await readText(folder, VERSION)
    const minimum = await readText(folder, MINIMUM)
    const signature = await readText(folder, SIGNATURE).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    const expected = readSums(sums)
    const texts = { [VERSION]: version, [MINIMUM]: minimum, ...(signature !== undefined && { [SIGNATURE]: signature }) }
    const isBound = expectBound(expected, texts)
    if (signature === undefined && expected.has(SIGNATURE)) throw unavailable(`${SIGNATURE} is not there yet`)
    if (!isBound && !isSettled) {
      throw unavailable(`its files changed less than ${SETTLED_MS / 1000} s ago, and others may follow`)
    }
    return await readZip(folder, {
      expected: expected.get(BUNDLE) ?? '',
      version: expectText(version, VERSION_TEXT, VERSION),
      minNativeVersion: expectText(minimum, NATIVE_VERSION, MINIMUM),
      signature: signature === undefined ? undefined : expectText(signature, SIGNATURE_TEXT, SIGNATURE),
      temporaryDirectory,
    })
  } catch (error) {
    if (error instanceof BundleUnavailable) return error
    return new BundleUnavailable((error as Error).message, { cause: error, isOfFiles: false })
  }
}

async function readZip(
  folder: string,
  told: {
    expected: string
    version: string
    minNativeVersion: string
    signature: string | undefined
    temporaryDirectory: string | undefined
  },
): Promise<BundleSnapshot> {
  const { expected, temporaryDirectory, ...texts } = told
  const source = await openFile(join(folder, BUNDLE))
  try {
    const copy = await copyAndHash(source, temporaryDirectory)
    if (copy.checksum === expected && copy.sizeBytes > 0) return { ...texts, ...copy }
    copy.discard()
    throw unavailable(`expected ${BUNDLE} with the SHA-256 ${expected} of ${CHECKSUM}, found ${copy.checksum}`)
  } finally {
    await source.close()
  }
}

/** As `sha256sum` writes it, for one file or several; or the hash alone, which is the zip's. */
function readSums(text: string): Map<string, string> {
  const sums = new Map<string, string>()
  for (const line of text.split(/\r?\n/).filter((each) => each.trim() !== '')) {
    const [, sum, name = BUNDLE] = SHA256_LINE.exec(line.trim()) ?? []
    if (sum === undefined) throw unavailable(`expected lines as sha256sum writes them in ${CHECKSUM}`)
    sums.set(name.slice(name.lastIndexOf('/') + 1), sum.toLowerCase())
  }
  if (!sums.has(BUNDLE)) throw unavailable(`expected the SHA-256 of ${BUNDLE} in ${CHECKSUM}`)
  return sums
}

/** Whether the checksums are of all these, too. @throws BundleUnavailable when it is another one's */
function expectBound(sums: ReadonlyMap<string, string>, texts: Record<string, string>): boolean {
  for (const [name, text] of Object.entries(texts)) {
    const expected = sums.get(name)
    if (expected === undefined) return false
    const found = createHash('sha256').update(text).digest('hex')
    if (found !== expected) throw unavailable(`${name} is not the one that ${CHECKSUM} is of`)
  }
  return true
}

function expectText(text: string, pattern: RegExp, name: string): string {
  const found = text.replace(/^\uFEFF/, '').trim()
  if (pattern.test(found)) return found
  throw unavailable(`${name} has ${JSON.stringify(found.slice(0, 80))}, which is not what belongs there`)
}

async function readText(folder: string, name: string): Promise<string> {
  const file = await openFile(join(folder, name))
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_TEXT_BYTES + 1), 0, MAX_TEXT_BYTES + 1, 0)
    if (bytesRead > MAX_TEXT_BYTES) throw unavailable(`${name} is longer than ${MAX_TEXT_BYTES} bytes`)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

/** A pipe or a device would be waited for without end. */
async function openFile(path: string): Promise<FileHandle> {
  if (!(await stat(path)).isFile()) throw unavailable(`${path} is not a file`)
  return open(path, 'r')
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

function unavailable(message: string): BundleUnavailable {
  return new BundleUnavailable(message)
}
