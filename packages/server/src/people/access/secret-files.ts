import { randomBytes } from 'node:crypto'
import { link, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Where the owner token is kept from the very first start on. */
export const OWNER_TOKEN_FILE = 'owner-token'

/** Where the link is by which the first owner makes an account. */
export const FIRST_OWNER_LINK_FILE = 'first-owner-link'

const JWT_SECRET_FILE = 'jwt-secret'
const DEVICE_ID_SECRET_FILE = 'device-id-secret'
const SECRETS_KEY_FILE = 'secrets-key'

/** What a server keeps in the data folder that is not told it: a backup of it needs them. */
export const SECRET_FILES = [JWT_SECRET_FILE, DEVICE_ID_SECRET_FILE, SECRETS_KEY_FILE] as const

/** Replaces one that a start left which did not get further. */
export function keepOwnerToken(directory: string, token: string): Promise<void> {
  return writeSecret(join(directory, OWNER_TOKEN_FILE), `${token}\n`)
}

/** Replaces the one of the start before. */
export function keepFirstOwnerLink(directory: string, link: string): Promise<void> {
  return writeSecret(join(directory, FIRST_OWNER_LINK_FILE), `${link}\n`)
}

/** It works no more. */
export function forgetFirstOwnerLink(directory: string): Promise<void> {
  return rm(join(directory, FIRST_OWNER_LINK_FILE), { force: true })
}

/** Made at the first start, so that access tokens outlive a restart. */
export function readJwtSecret(directory: string): Promise<string> {
  return readOrMakeSecret(join(directory, JWT_SECRET_FILE))
}

/** Made at the first start: with another one, every device would be taken for a new one. */
export function readDeviceIdSecret(directory: string): Promise<string> {
  return readOrMakeSecret(join(directory, DEVICE_ID_SECRET_FILE))
}

/** Made at the first start: without it, the app keys and webhook secrets in the database cannot be read. */
export function readSecretsKey(directory: string): Promise<string> {
  return readOrMakeSecret(join(directory, SECRETS_KEY_FILE))
}

async function readOrMakeSecret(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const temporary = `${path}.${randomBytes(8).toString('hex')}.new`
  try {
    await writeWhole(temporary, `${randomBytes(48).toString('base64url')}\n`)
    await putFirst(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  return (await readFile(path, 'utf8')).trim()
}

/** Of servers that start at once on one data folder, the first makes the secret, and the others take it. */
async function putFirst(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path)
  } catch (error) {
    // Where there are no hard links, whoever comes last makes it.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await rename(temporary, path)
  }
}

/** For the owner's eyes only, and there as a whole or not at all. */
async function writeSecret(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`
  await writeWhole(temporary, text)
  await rename(temporary, path)
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.chmod(0o600)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
