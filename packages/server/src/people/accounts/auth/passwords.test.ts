import { expect, test } from 'vitest'
import { hashPassword, isPassword } from './passwords.ts'

test('a password is hashed by argon2id, each time otherwise, and found again in any form of its letters', async () => {
  const [first, second] = [await hashPassword('pässword of mine'), await hashPassword('pässword of mine')]
  expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(second).not.toBe(first)
  expect(await isPassword('pa\u0308ssword of mine', first)).toBe(true)
  expect(await isPassword('password of mine', first)).toBe(false)
})

test('nobody has no password', async () => {
  expect(await isPassword('the password of nobody, which fits nobody', undefined)).toBe(false)
})

test('of too many at once the last are told to come again, and the others are answered', async () => {
  const many = await Promise.allSettled(Array.from({ length: 100 }, () => isPassword('x', undefined)))
  const refused = many.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  expect(refused.length).toBeGreaterThan(0)
  expect(refused.length).toBeLessThan(100)
  for (const { reason } of refused) expect(reason).toMatchObject({ type: 'too-many-requests' })
  expect(await isPassword('x', undefined)).toBe(false)
})
