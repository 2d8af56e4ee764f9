import { describe, expect, test } from 'vitest'
import { CommandError, UsageError } from '../errors/errors.ts'
import type { StoredLogin, StoredLogins } from './config-file.ts'
import { resolveToken, resolveUrl, type ConnectionSources } from './connection.ts'

function only(main: StoredLogin): StoredLogins {
  return { main, named: new Map() }
}

const all: ConnectionSources = {
  flags: { url: 'https://flag.example', token: 'flag-token' },
  env: { HOTPATCH_URL: 'https://env.example', HOTPATCH_TOKEN: 'env-token' },
  project: { url: 'https://project.example', path: '/app/hotpatch.json' },
  logins: only({ url: 'https://login.example', token: 'login-token' }),
  accepted: new Set(),
}

const named = (value: string, source = '--url') => ({ value, source })

describe('the address', () => {
  const { flags, env, project, logins } = all
  const nothing: ConnectionSources = { flags: {}, env: {}, project: undefined, logins: only({}), accepted: new Set() }
  test.each([
    ['an option', { flags, env, project, logins }, 'https://flag.example', '--url'],
    ['the environment', { flags: {}, env, project, logins }, 'https://env.example', 'HOTPATCH_URL'],
    ['the project file', { flags: {}, env: {}, project, logins }, 'https://project.example', '/app/hotpatch.json'],
    ['the login', { flags: {}, env: {}, project: undefined, logins }, 'https://login.example', 'login'],
  ])('comes from %s before what follows', (_, sources, value, source) => {
    expect(resolveUrl(sources)).toEqual({ value, source })
  })

  test('is undefined when nobody names one', () => {
    expect(resolveUrl(nothing)).toBeUndefined()
    expect(resolveUrl({ ...nothing, env: { HOTPATCH_URL: '' } })).toBeUndefined()
  })

  test('loses slashes at its end', () => {
    expect(resolveUrl({ ...nothing, flags: { url: 'HTTPS://X.example/updates//' } })?.value).toBe(
      'https://x.example/updates',
    )
  })

  test.each(['updates.example.com', 'ftp://x.example', 'https://user:hunter2@x.example', 'https://'])(
    'is not %s',
    (url) => {
      expect(() => resolveUrl({ ...nothing, flags: { url } })).toThrow(UsageError)
      expect(() => resolveUrl({ ...nothing, env: { HOTPATCH_URL: url } })).toThrow(CommandError)
      expect(() => resolveUrl({ ...nothing, flags: { url } })).not.toThrow(/hunter2/)
    },
  )
})

describe('the token', () => {
  test('comes from an option, then the environment, then the login', () => {
    const url = named('https://login.example')
    const resolve = (sources: ConnectionSources) => resolveToken(sources, url, 'hotpatch')
    expect(resolve(all)).toEqual({ value: 'flag-token', source: '--token' })
    expect(resolve({ ...all, flags: {} })).toEqual({ value: 'env-token', source: 'HOTPATCH_TOKEN' })
    expect(resolve({ ...all, flags: {}, env: {} })).toEqual({ value: 'login-token', source: 'login' })
  })

  test('of a login whose address was edited by hand goes there still', () => {
    const logins = only({ url: 'https://LOGIN.example//', token: 'login-token' })
    const url = named('https://login.example')
    expect(resolveToken({ ...all, flags: {}, env: {}, logins }, url, 'hotpatch')?.value).toBe('login-token')
  })

  test("of a login goes to no server but the login's", () => {
    expect(resolveToken({ ...all, flags: {}, env: {} }, named('https://other.example'), 'hotpatch')).toBeUndefined()
  })

  describe('goes to no address that only a project file names', () => {
    const url = named('https://project.example', '/app/hotpatch.json')
    const sources: ConnectionSources = { ...all, flags: {}, env: { HOTPATCH_TOKEN: 'env-token' }, logins: only({}) }
    const resolve = (given: Partial<ConnectionSources>) => resolveToken({ ...sources, ...given }, url, 'hotpatch')

    test('whether it comes from the environment or by an option', () => {
      expect(() => resolve({})).toThrow(
        /HOTPATCH_TOKEN is not sent to https:\/\/project.example, which only .*HOTPATCH_URL/,
      )
      expect(() => resolve({ flags: { token: 'flag-token' } })).toThrow(/--token is not sent/)
      expect(() => resolve({})).not.toThrow(/env-token/)
    })

    test('unless the user has logged in there, or accepted it', () => {
      expect(resolve({ accepted: new Set([url.value]) })?.value).toBe('env-token')
      expect(resolve({ logins: only({ url: url.value }) })?.value).toBe('env-token')
    })

    test('and none is no mistake', () => {
      expect(resolve({ env: {} })).toBeUndefined()
    })
  })

  test('that no header can carry is refused without being shown', () => {
    const login = { url: 'https://x.example', token: 'secret\u0007token' }
    const sources = { flags: {}, env: {}, project: undefined, logins: only(login), accepted: new Set<string>() }
    const resolve = () => resolveToken(sources, named('https://x.example'), 'hotpatch')
    expect(resolve).toThrow(/characters that no token has/)
    expect(resolve).not.toThrow(/secret/)
  })
})

describe('a server that has a name', () => {
  const main = { url: 'https://main.example', token: 'main-token' }
  const named = new Map([
    ['staging', { url: 'https://staging.example', token: 'staging-token' }],
    ['again', { url: 'https://staging.example', token: 'other-token' }],
  ])
  const sources: ConnectionSources = {
    flags: {},
    env: { HOTPATCH_TOKEN: 'env-token' },
    project: undefined,
    logins: { main, named },
    accepted: new Set(),
  }
  const resolve = (given: Partial<ConnectionSources>) => {
    const all = { ...sources, ...given }
    const url = resolveUrl(all)
    return [url?.value, url && resolveToken(all, url, 'hotpatch')?.value]
  }

  test('is chosen by an option or by the environment, with its own token', () => {
    const staging = ['https://staging.example', 'staging-token']
    expect(resolve({ flags: { server: 'staging' } })).toEqual(staging)
    expect(resolve({ env: { HOTPATCH_SERVER: 'staging', HOTPATCH_TOKEN: 'env-token' } })).toEqual(staging)
    expect(resolve({ flags: { server: 'again' } })).toEqual(['https://staging.example', 'other-token'])
    expect(resolve({})).toEqual(['https://main.example', 'env-token'])
  })

  test('gives its token to its address, whoever names that', () => {
    const project = { url: 'https://staging.example', path: '/app/hotpatch.json' }
    expect(resolve({ env: {}, project })).toEqual(['https://staging.example', 'staging-token'])
  })

  test('must be known, and is not named beside an address', () => {
    expect(() => resolve({ flags: { server: 'stagin' } })).toThrow(/no server named "stagin"; known are staging, again/)
    expect(() => resolve({ env: { HOTPATCH_SERVER: 'x' } })).toThrow(CommandError)
    expect(() => resolve({ flags: { server: 'staging', url: 'https://x.example' } })).toThrow(UsageError)
  })
})
