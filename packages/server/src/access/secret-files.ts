import { randomBytes } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'

/** Where the owner token is kept from the very first start on. */
export const OWNER_TOKEN_FILE = 'owner-token'

const JWT_SECRET_FILE = 'jwt-secret'

/** Replaces one that a start left which did not get further. */
export function keepOwnerToken(directory: string, token: string): Promise<void> {
  return writeSecret(join(directory, OWNER_TOKEN_FILE), `${token}\n`)
}

/** Made at the first start, so that access tokens outlive a restart. */
export async function readJwtSecret(directory: string): Promise<string> {
  const path = join(directory, JWT_SECRET_FILE)
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const secret = randomBytes(48).toString('base64url')
  await writeSecret(path, `${secret}\n`)
  return secret
}

/** For the owner's eyes only, and there as a whole or not at all. */
async function writeSecret(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.chmod(0o600)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}
