import { createTurns } from './turns.ts'

/** As OWASP advises for argon2id: 19 MiB, which one of our cores fills twice in some 30 ms. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
/** Each takes a thread of the pool that files are read by, and its 19 MiB. */
const inTurn = createTurns(2)

/** Loaded by the first who signs in: most servers answer devices for days in between. */
const loadArgon2 = () => import('@node-rs/argon2')

export async function hashPassword(password: string): Promise<string> {
  const { hash } = await loadArgon2()
  return inTurn(() => hash(password.normalize('NFKC'), COST))
}

/** @param hashed undefined of somebody who is not there, or has no password: that takes as long */
export async function isPassword(password: string, hashed: string | undefined): Promise<boolean> {
  const { verify } = await loadArgon2()
  const against = hashed ?? (await hashOfNobody())
  const fits = await inTurn(() => verify(against, password.normalize('NFKC')))
  return fits && hashed !== undefined
}

let nobody: Promise<string> | undefined

function hashOfNobody(): Promise<string> {
  return (nobody ??= hashPassword('the password of nobody, which fits nobody'))
}
