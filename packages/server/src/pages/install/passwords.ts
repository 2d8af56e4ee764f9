import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** RFC 7914, as its authors advise for logins: some 50 ms and 32 MiB a time. */
const COST = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }
const KEY_BYTES = 32
const SALT_BYTES = 16
/** Each takes a thread of the pool that files are read by, and its 32 MiB. */
const AT_ONCE = 2

/** People choose it: the fast hash that is enough for secrets of 256 random bits would let it be guessed. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const key = await derive(password, salt)
  return `scrypt$${salt.toString('base64url')}$${key.toString('base64url')}`
}

/** In the same time whether it is nearly right or not at all. */
export async function isPassword(password: string, hashed: string): Promise<boolean> {
  const [, salt = '', key = ''] = hashed.split('$')
  const expected = Buffer.from(key, 'base64url')
  const found = await derive(password, Buffer.from(salt, 'base64url'))
  return expected.length === found.length && timingSafeEqual(expected, found)
}

let running = 0
const waiting: (() => void)[] = []

/** Whoever waits is bounded by the limits of addresses. */
async function derive(password: string, salt: Buffer): Promise<Buffer> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
  running += 1
  try {
    return await new Promise((resolve, reject) => {
      scrypt(password.normalize('NFKC'), salt, KEY_BYTES, COST, (error, key) => (error ? reject(error) : resolve(key)))
    })
  } finally {
    running -= 1
    waiting.shift()?.()
  }
}
