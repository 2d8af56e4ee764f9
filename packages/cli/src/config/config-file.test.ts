import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '@hotpatch/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { readLogins, removeToken, writeLogin } from './config-file.ts'

const login = { url: 'https://x.example', token: 'hp_secret' }
let path: string

beforeEach(async () => {
  path = join(await temporaryDirectory(), '.rn-ota', 'config.toml')
})

describe('the login', () => {
  test('is empty before the first', async () => {
    expect((await readLogins(path)).main).toEqual({})
  })

  test("is for its owner's eyes only", async () => {
    await writeLogin(path, login)
    expect((await readLogins(path)).main).toEqual(login)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700)
  })

  test('takes the mode away from a file that others could read', async () => {
    await writeLogin(path, login)
    await writeFile(path, 'token = "old"\n', { mode: 0o644 })
    await writeLogin(path, login)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('leaves what else is in the file', async () => {
    await writeLogin(path, login)
    await writeFile(path, '# mine\n[proxy]\nhost = "p"\n')
    await writeLogin(path, login)
    expect(await readFile(path, 'utf8')).toContain('host = "p"')
  })

  test('can be forgotten', async () => {
    expect(await removeToken(path)).toBe(false)
    await writeLogin(path, login)
    expect(await removeToken(path)).toBe(true)
    expect((await readLogins(path)).main).toEqual({ url: login.url })
  })

  test('of a server that has a name stands beside the main one', async () => {
    const staging = { url: 'https://staging.example', token: 'hp_other' }
    await writeLogin(path, login)
    await writeLogin(path, staging, 'staging')
    expect(await readLogins(path)).toEqual({ main: login, named: new Map([['staging', staging]]) })
    expect(await removeToken(path, 'staging')).toBe(true)
    expect(await removeToken(path, 'staging')).toBe(false)
    expect(await readLogins(path)).toEqual({ main: login, named: new Map([['staging', { url: staging.url }]]) })
  })

  test('that is broken is refused without showing it', async () => {
    await writeLogin(path, login)
    await writeFile(path, 'url = "x"\ntoken = "hp_secret\n')
    await expect(readLogins(path)).rejects.toThrow(/not valid TOML at line 2/)
    await expect(readLogins(path)).rejects.not.toThrow(/hp_secret/)
  })

  test('must be made of texts', async () => {
    await writeLogin(path, login)
    await writeFile(path, 'token = 5\n')
    await expect(readLogins(path)).rejects.toThrow(/"token" should be a string/)
  })
})
