import { join, resolve } from 'node:path'
import type { PlainReader } from '../capacitor/plain-values.ts'
import type { Project } from '../config/project-file.ts'
import { CAPGO_KEY_FILE, capgoKeyIdOf, readCapgoKey } from '../encryption/capgo-key.ts'
import { CommandError } from '../errors/errors.ts'
import { publicPemOf, readRsaPublicKey } from '../signing/rsa-key.ts'
import { failed, passed, warned, type Check } from './check.ts'

/** Whether what is encrypted here can be opened by the app that this folder builds. Undefined: nobody has a key. */
export async function checkCapgoKey(directory: string, settings: PlainReader | undefined): Promise<Check | undefined> {
  const id = 'capgo-key'
  const path = join(directory, CAPGO_KEY_FILE)
  const built = settings?.read('publicKey') ?? { kind: 'absent' }
  const own = await attempt(() => readCapgoKey(path))
  if (own instanceof CommandError && own.type !== 'key-missing') return failed(id, own.message)
  const hasKey = !(own instanceof CommandError)
  if (built.kind === 'computed')
    return warned(id, 'What publicKey is, a program works out: whether it fits is not known.')
  if (built.kind === 'absent') {
    if (!hasKey) return undefined
    const message = `There is ${path}, and the configuration has no publicKey: the app opens nothing that it encrypts.`
    return warned(id, message, 'Set publicKey in plugins.CapacitorUpdater, or leave the key out: --no-capgo-key.')
  }
  const keyId = capgoKeyIdOf(String(built.value))
  if (keyId === undefined)
    return failed(id, 'publicKey in the configuration is no RSA key: the app would end at its start.')
  if (!hasKey) {
    const message = `The app takes only what the key ${keyId} has encrypted, and there is no ${path}.`
    return warned(id, message, `Publish where the key is, or name it: --capgo-key ${CAPGO_KEY_FILE}`)
  }
  if (own.keyId === keyId) return passed(id, `${path} fits the publicKey of the configuration.`)
  const message = `${path} is the key ${own.keyId}, and the app takes what ${keyId} has encrypted: it would take no release.`
  return failed(id, message, 'Put the right key there, or its public half into the configuration.')
}

/** The same for what is signed. */
export async function checkCapawesomeKey(
  programName: string,
  project: Project | undefined,
  settings: PlainReader | undefined,
): Promise<Check | undefined> {
  const id = 'live-update-key'
  const built = settings?.read('publicKey') ?? { kind: 'absent' }
  const path = project?.defaults.rsaKey === undefined ? undefined : resolve(project.directory, project.defaults.rsaKey)
  if (built.kind === 'computed')
    return warned(id, 'What publicKey is, a program works out: whether it fits is not known.')
  if (built.kind === 'absent') {
    if (path === undefined) return undefined
    return warned(
      id,
      `${path} signs releases, and the app has no publicKey: it verifies nothing.`,
      'Set publicKey in plugins.LiveUpdate.',
    )
  }
  const expected = publicPemOf(String(built.value))
  if (expected === undefined) return failed(id, 'publicKey in the configuration is no RSA key in PEM.')
  if (path === undefined) {
    const message = 'The app takes only what is signed with its key, and hotpatch.json names none.'
    return warned(
      id,
      message,
      `Put its path there, "defaults": { "rsaKey": "private.pem" }, and: ${programName} keys add --rsa public.pem`,
    )
  }
  const own = await attempt(() => readRsaPublicKey(path))
  if (own instanceof CommandError) return failed(id, own.message)
  if (own === expected) return passed(id, `${path} fits the publicKey of the configuration.`)
  return failed(id, `${path} is another key than the publicKey of the configuration: the app would take no release.`)
}

async function attempt<T>(read: () => Promise<T>): Promise<T | CommandError> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof CommandError) return error
    throw error
  }
}
