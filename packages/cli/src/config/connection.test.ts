import { describe, expect, test } from 'vitest'
import { CommandError, UsageError } from '../errors.ts'
import { resolveToken, resolveUrl, type ConnectionSources } from './connection.ts'

const all: ConnectionSources = {
  flags: { url: 'https://flag.example', token: 'flag-token' },
  env: { HOTPATCH_URL: 'https://env.example', HOTPATCH_TOKEN: 'env-token' },
  project: { url: 'https://project.example', path: '/app/hotpatch.json' },
  login: { url: 'https://login.example', token: 'login-token' },
}

describe('the address', () => {
  const { flags, env, project, login } = all
  const nothing: ConnectionSources = { flags: {}, env: {}, project: undefined, login: {} }
  test.each([
    ['an option', { flags, env, project, login }, 'https://flag.example', '--url'],
    ['the environment', { flags: {}, env, project, login }, 'https://env.example', 'HOTPATCH_URL'],
    ['the project file', { flags: {}, env: {}, project, login }, 'https://project.example', '/app/hotpatch.json'],
    ['the login', { flags: {}, env: {}, project: undefined, login }, 'https://login.example', 'login'],
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
    const url = 'https://login.example'
    expect(resolveToken(all, url)).toEqual({ value: 'flag-token', source: '--token' })
    expect(resolveToken({ ...all, flags: {} }, url)).toEqual({ value: 'env-token', source: 'HOTPATCH_TOKEN' })
    expect(resolveToken({ ...all, flags: {}, env: {} }, url)).toEqual({ value: 'login-token', source: 'login' })
  })

  test("of a login goes to no server but the login's", () => {
    expect(resolveToken({ ...all, flags: {}, env: {} }, 'https://project.example')).toBeUndefined()
  })

  test('that no header can carry is refused without being shown', () => {
    const login = { url: 'https://x.example', token: 'secret\u0007token' }
    const resolve = () => resolveToken({ flags: {}, env: {}, project: undefined, login }, 'https://x.example')
    expect(resolve).toThrow(/characters that no token has/)
    expect(resolve).not.toThrow(/secret/)
  })
})
