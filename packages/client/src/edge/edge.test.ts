import { expect, test } from 'vitest'
import { createDevice } from '../testing/device.ts'
import { EDGE_URL } from '../testing/fake-edge.ts'
import { createFakeServer } from '../testing/fake-server.ts'

test('an edge needs public keys', () => {
  const device = createDevice({ server: createFakeServer(), config: { edge: { url: EDGE_URL } } })
  expect(() => device.boot()).toThrow('an edge needs public keys')
})

test('without an edge there has to be a server', () => {
  const device = createDevice({ server: createFakeServer(), config: { serverUrl: '' } })
  expect(() => device.boot()).toThrow('expected the address of a server, or an edge')
})
