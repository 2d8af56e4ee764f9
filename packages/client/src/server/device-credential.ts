import { readObject, readString } from '@hotpatch/protocol'
import type { FilesPort, SmallAnswer } from '@hotpatch/device-ground'
import { jsonFromUtf8 } from '../ground/bytes.ts'
import { readJson, writeJson } from '../ground/json-file.ts'
import type { Settings } from '../ground/settings.ts'
import { CREDENTIAL, ROOT } from '../state/storage-layout.ts'

interface Credential {
  /** Whose it is: another id asks for its own. */
  deviceId: string
  token: string
}

/**
 * Engine §9: what shows the server that it is this installation which asks and reports. Asked for once in each process
 * until there is one; a server that gives none, or gave it before the app's data was lost, is served without.
 * @param register asks the server for it
 */
export function createDeviceCredential({
  files,
  settings,
  register,
}: {
  files: FilesPort
  settings: Settings
  register: () => Promise<SmallAnswer>
}) {
  let asked: Promise<string | undefined> | undefined

  /** Undefined when there is none. Never rejects. */
  function token(): Promise<string | undefined> {
    if (!settings.deviceCredential) return Promise.resolve(undefined)
    asked ??= find().catch(() => undefined)
    return asked
  }

  async function find(): Promise<string | undefined> {
    const known = await readJson(files, CREDENTIAL, readCredential)
    if (known?.deviceId === settings.deviceId) return known.token
    // Before it is asked for: the server gives it once.
    await files.makeDirectory(ROOT)
    const { status, body } = await register()
    const answer = status === 200 ? jsonFromUtf8(body) : undefined
    const given = readObject(answer ?? {}, '').deviceToken
    if (typeof given !== 'string' || !TOKEN.test(given)) return undefined
    const kept: Credential = { deviceId: settings.deviceId, token: given }
    // A full disk: it holds for this process.
    await writeJson(files, CREDENTIAL, kept).catch(() => undefined)
    return given
  }

  return { token }
}

/** What can stand in a header. */
const TOKEN = /^[\w-]{1,200}$/

function readCredential(value: unknown): Credential {
  const json = readObject(value, '')
  return { deviceId: readString(json.deviceId, '/deviceId'), token: readString(json.token, '/token') }
}
