import { describe, expect, test } from 'vitest'
import { createAddressTable } from './address-table.ts'

function tableOf(...addresses: string[]) {
  const table = createAddressTable<{ method: string; path: string }>()
  for (const address of addresses) {
    const [method = '', path = ''] = address.split(' ')
    table.add({ method, path })
  }
  return table
}

const table = tableOf(
  'GET /check',
  'POST /check',
  'GET /v1/apps/:app/channels',
  'POST /v1/apps/:app/channels',
  'GET /v1/apps/:app/bundles/:bundle',
  'GET /v1/apps/all/bundles/:bundle',
  'GET /v1/apps/all/channels',
)

test.each([
  ['/check', 'GET,POST /check', {}],
  ['/v1/apps/com.example.app/channels', 'GET,POST /v1/apps/:app/channels', { app: 'com.example.app' }],
  ['/v1/apps/a%2Fb/bundles/%C3%A9', 'GET /v1/apps/:app/bundles/:bundle', { app: 'a/b', bundle: 'é' }],
  ['/v1/apps/all/channels', 'GET /v1/apps/all/channels', {}],
])('%s is found', (path, expected, params) => {
  const found = table.find(path)
  const [first] = Object.values(found?.byMethod ?? {})
  expect(`${Object.keys(found?.byMethod ?? {}).join()} ${first?.path}`).toBe(expected)
  expect(found?.params).toEqual(params)
})

test.each([
  ['/Check'],
  ['/check/'],
  ['/v1/apps//channels'],
  ['/v1/apps/x/y/channels'],
  ['/v1/apps/x'],
  ['/v1/apps/%/channels'],
  ['/v1/apps/%FF/channels'],
  [''],
  ['/'.repeat(5000)],
])('%s is nowhere', (path) => {
  expect(table.find(path)).toBeUndefined()
})

test('a name of the language is a word like any other', () => {
  expect(tableOf('GET /:app/:bundle').find('/__proto__/constructor')?.params).toEqual({
    app: '__proto__',
    bundle: 'constructor',
  })
})

describe('two routes that want the same address are refused', () => {
  test.each([
    ['GET /check', 'GET /check'],
    ['GET /v1/:app/channels', 'GET /v1/:name/channels'],
  ])('%s and %s', (one, other) => {
    expect(() => tableOf(one, other)).toThrow(/^Two routes want GET /)
  })
})
