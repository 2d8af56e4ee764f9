import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readArray, readInteger, readObject, readString } from '@hotpatch/protocol'
import { userDirectory, writePrivateFile } from '../config/config-file.ts'
import { CommandError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'

/** Which bytes, and to whom. */
export interface UploadKey {
  server: string
  appId: string
  kind: string
  sha256: string
}

interface BegunUpload extends UploadKey {
  /** By which the server knows it. */
  id: string
  /** Milliseconds since 1970. */
  begunAt: number
}

/** A server gives them up sooner, and says so when it is asked. */
const KEPT_MS = 7 * 24 * 3_600_000
const MAX_KEPT = 50
const ID = { pattern: /^[\w~-]{1,200}$/, expected: 'the id of an upload' }

/** Uploads that were begun from here and did not end, so that the next command goes on with them. */
export function beginningsOf({ env, now }: Pick<CliContext, 'env' | 'now'>) {
  const path = join(userDirectory(env), 'uploads.json')

  async function read(): Promise<BegunUpload[]> {
    try {
      const { uploads } = readObject(JSON.parse(await readFile(path, 'utf8')), '')
      const youngest = now().getTime() - KEPT_MS
      return readArray(uploads, '/uploads', MAX_KEPT)
        .map(readUpload)
        .filter(({ begunAt }) => begunAt > youngest)
    } catch {
      // None yet, or damaged: nothing is lost with it, as what is not known here is sent from its beginning.
      return []
    }
  }

  /** Reads it anew first: another command may have begun one since. */
  async function change(key: UploadKey, added: BegunUpload[]): Promise<void> {
    const before = await read()
    const uploads = [...before.filter((each) => !isSame(each, key)), ...added].slice(-MAX_KEPT)
    if (added.length === 0 && uploads.length === before.length) return
    try {
      await writePrivateFile(path, `${JSON.stringify({ uploads }, null, 2)}\n`, { replace: true })
    } catch (error) {
      // As in CI with a home that nobody can write to: the upload goes on, and only the next command begins anew.
      if (!(error instanceof CommandError)) throw error
    }
  }

  return {
    find: async (key: UploadKey): Promise<string | undefined> => (await read()).find((each) => isSame(each, key))?.id,
    keep: (key: UploadKey, id: string) => change(key, [{ ...key, id, begunAt: now().getTime() }]),
    forget: (key: UploadKey) => change(key, []),
  }
}

const isSame = (left: UploadKey, right: UploadKey) =>
  left.server === right.server && left.appId === right.appId && left.kind === right.kind && left.sha256 === right.sha256

function readUpload(value: unknown, index: number): BegunUpload {
  const at = `/uploads/${index}`
  const json = readObject(value, at)
  const text = (name: string) => readString(json[name], `${at}/${name}`)
  return {
    server: text('server'),
    appId: text('appId'),
    kind: text('kind'),
    sha256: text('sha256'),
    id: readString(json.id, `${at}/id`, ID),
    begunAt: readInteger(json.begunAt, `${at}/begunAt`, 0),
  }
}
