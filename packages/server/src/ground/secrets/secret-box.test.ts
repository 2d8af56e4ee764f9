import { expect, test } from 'vitest'
import { createSecretBox, SecretsKeyError } from './secret-box.ts'

const OLD = 'o'.repeat(32)
const NEW = 'n'.repeat(32)

test('a secret comes out as it went in, and twice the same looks different', async () => {
  const box = createSecretBox([OLD])
  const [first, second] = await Promise.all([box.seal('app 1', 'hpk_ü'), box.seal('app 1', 'hpk_ü')])
  expect(first).not.toBe(second)
  expect(await box.open('app 1', first)).toBe('hpk_ü')
  expect(first).not.toContain(Buffer.from('hpk_ü').toString('base64url'))
})

test('of several keys the first encrypts and each decrypts', async () => {
  const sealed = await createSecretBox([OLD]).seal('app 1', 'secret')
  const both = createSecretBox([NEW, OLD])
  expect(await both.open('app 1', sealed)).toBe('secret')
  expect(both.isCurrent(sealed)).toBe(false)
  const anew = await both.seal('app 1', 'secret')
  expect(both.isCurrent(anew)).toBe(true)
  expect(await createSecretBox([NEW]).open('app 1', anew)).toBe('secret')
})

test('what is in clear is not current', () => {
  expect(createSecretBox([OLD]).isCurrent('hpk_secret')).toBe(false)
  expect(createSecretBox([OLD]).isCurrent('[{"secret":"whsec_"}]')).toBe(false)
})

test.each<[string, (sealed: string) => string, string]>([
  ['sealed for another row', (sealed) => sealed, 'app 2'],
  ['changed', (sealed) => `${sealed.slice(0, -6)}${sealed.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`, 'app 1'],
  ['without its tag', (sealed) => sealed.split('.').with(4, '').join('.'), 'app 1'],
])('a secret that was %s is refused', async (_case, change, owner) => {
  const box = createSecretBox([OLD])
  await expect(box.open(owner, change(await box.seal('app 1', 'secret')))).rejects.toThrow(SecretsKeyError)
})

test('the row that it is for is a part of what is authenticated', async () => {
  const box = createSecretBox([OLD])
  const [header = '', ...rest] = (await box.seal('app 1', 'secret')).split('.')
  const forAnother = JSON.stringify({ ...JSON.parse(Buffer.from(header, 'base64url').toString()), for: 'app 2' })
  const moved = [Buffer.from(forAnother).toString('base64url'), ...rest].join('.')
  await expect(box.open('app 2', moved)).rejects.toThrow(SecretsKeyError)
})

test('without the key it stays closed, and the message names the key, not the secret', async () => {
  const sealed = await createSecretBox([OLD]).seal('app 1', 'secret')
  const other = createSecretBox([NEW])
  await expect(other.open('app 1', sealed)).rejects.toThrow(/encrypted with the key [0-9a-f]{16}/)
})
