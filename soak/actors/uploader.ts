import { setTimeout as wait } from 'node:timers/promises'
import type { KnownUpload } from '../ledger.ts'
import type { World } from '../world.ts'
import { makeBundle, type Bundle } from './bundle.ts'
import { noteGivenUp } from './given-up.ts'
import { createPublishing } from './publishing.ts'

const PLATFORM = 'web'
const CHUNK_BYTES = 256 * 1024
const SIZE_BYTES = { from: 1_000_000, to: 4_000_000 }
const PAUSE_MS = { from: 200, to: 1_500 }
/** Nobody has more chunks than that, with all that broke off. */
const MAX_STEPS = 200
/** Left unfinished, of those that the server keeps at once. */
const MAX_ABANDONED = 20

/** Sends bundles in pieces, breaks off in the middle, goes on where it was, and publishes what has arrived. */
export async function runUploader(world: World): Promise<void> {
  const { app, asking, activity, ledger, findings, site } = world
  const random = world.random.of('uploader')
  const publishing = createPublishing(world, PLATFORM)
  let abandoned = 0

  async function uploadOne(version: string): Promise<void> {
    const bundle = await makeBundle(random, version, random.between(SIZE_BYTES.from, SIZE_BYTES.to))
    // What arrives is in the folder of that server.
    const server = random.below(site.servers.length)
    const upload = await activity.during('upload', () => begin(bundle, server))
    const isAbandoned = abandoned < MAX_ABANDONED && random.chance(0.1)
    const isWhole = await activity.during('upload', () => send(bundle, upload, isAbandoned ? 3 : MAX_STEPS))
    if (!isWhole) {
      abandoned++
      upload.isAbandoned = true
      findings.count('uploads left unfinished')
      return
    }
    ledger.uploads.delete(upload.id)
    findings.count('uploads acknowledged')
    await activity.change(() =>
      publishing.publish({ version, bundle, channel: 'production', percentage: 100, isUploaded: true, guard: 'off' }),
    )
  }

  async function begin(bundle: Bundle, server: number): Promise<KnownUpload> {
    const claim = { sha256: bundle.sha256, sizeBytes: bundle.bytes.length, kind: 'archive' as const }
    const id = await asking.insist((api) => api.beginUpload(app.slug, claim), { server })
    const upload = { id, server, offset: 0, isAbandoned: false }
    ledger.uploads.set(id, upload)
    return upload
  }

  /** @returns whether all of it has arrived */
  async function send({ bytes, sha256 }: Bundle, upload: KnownUpload, maxSteps: number): Promise<boolean> {
    const { id, server } = upload
    for (let step = 0; step < maxSteps && !world.end.aborted; step++) {
      const chunk = bytes.subarray(upload.offset, upload.offset + CHUNK_BYTES)
      const isCutOff = random.chance(0.15)
      const outcome = await asking.ask(
        (api) => {
          const body = isCutOff ? trickle(chunk) : new Blob([new Uint8Array(chunk)])
          const sent = {
            sizeBytes: chunk.length,
            body,
            ...(isCutOff && { signal: AbortSignal.timeout(random.between(5, 60)) }),
          }
          return api.continueUpload(app.slug, id, upload.offset, sent)
        },
        { server, isCutOff },
      )
      if (outcome.kind === 'acknowledged') {
        upload.offset += chunk.length
        if (upload.offset >= bytes.length) return isKept(upload, sha256, 'all of it was acknowledged')
        continue
      }
      // What has arrived whole and could not be kept is finished by sending nothing more.
      const why = outcome.kind === 'refused' ? outcome.problem.message : 'no certain answer'
      if (!(await findOffset(upload, sha256, bytes.length, why))) return true
    }
    return false
  }

  /** @returns false when the upload is done: then its bytes are there */
  async function findOffset(upload: KnownUpload, sha256: string, sizeBytes: number, why: string): Promise<boolean> {
    const { id, server } = upload
    findings.count('uploads that broke off')
    const offset = await asking.insist((api) => api.getUploadOffset(app.slug, id), { server })
    if (offset === undefined) {
      await isKept(upload, sha256, why)
      return false
    }
    findings.expectThat('acknowledged-upload', offset >= upload.offset && offset <= sizeBytes, () => {
      return `Upload ${id} was acknowledged up to ${upload.offset} of ${sizeBytes}, and is at ${offset}.`
    })
    upload.offset = offset
    return true
  }

  async function isKept({ id, offset }: KnownUpload, sha256: string, why: string): Promise<boolean> {
    const found = await asking.insist((api) => api.findArtifact(app.slug, sha256))
    return findings.expectThat('acknowledged-upload', found !== undefined, () => {
      return `Upload ${id}, acknowledged up to ${offset}, is done, and its bytes ${sha256} are not there: ${why}.`
    })
  }

  for (let count = 0; !world.end.aborted; count++) {
    await uploadOne(`2.${count}.0`).catch((error: unknown) => noteGivenUp(world, error))
    await wait(random.between(PAUSE_MS.from, PAUSE_MS.to))
  }
}

/** Slowly enough to be broken off in the middle. */
function trickle(bytes: Uint8Array): ReadableStream<Uint8Array> {
  const PIECES = 16
  const size = Math.ceil(bytes.length / PIECES)
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) {
      yield new Uint8Array(bytes.subarray(at, at + size))
      await wait(5)
    }
  }
  return ReadableStream.from(pieces())
}
