import { utf8FromText } from '@hotpatch/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { createDevice, type Device } from '../testing/device.ts'
import { createFakeServer, SERVER, type FakeServer } from '../testing/fake-server.ts'

const TOKEN = 'hpd_0123456789abcdef0123456789abcdef'

describe('the credential of an installation (Engine §9)', () => {
  let server: FakeServer
  let device: Device
  let registrations: number
  let given: { status: number; deviceToken?: unknown }

  beforeEach(() => {
    server = createFakeServer()
    registrations = 0
    given = { status: 200, deviceToken: TOKEN }
    server.intercept = ({ url }) => {
      if (url !== `${SERVER}/devices`) return undefined
      registrations += 1
      const { status, ...answer } = given
      return { status, body: utf8FromText(JSON.stringify({ registered: true, ...answer })) }
    }
    device = createDevice({ server, config: { deviceCredential: true } })
  })

  const shown = () =>
    server.requests.filter(({ url }) => url !== `${SERVER}/devices`).map(({ headers }) => headers['x-device-token'])
  async function sync(): Promise<void> {
    await device.boot()
    await device.engine.sync()
  }

  test('is asked for once, kept, and shown with every request', async () => {
    await sync()
    await sync()
    expect(registrations).toBe(1)
    expect(shown()).toEqual([TOKEN, TOKEN])
  })

  test.each([
    ['gives none', { status: 200, deviceToken: null }],
    ['knows nothing of it', { status: 200 }],
    ['refuses', { status: 500 }],
    ['gives what no header can carry', { status: 200, deviceToken: 'a\r\nx-app-key: other' }],
  ])('is done without when the server %s, and asked for at the next start', async (_what, answer) => {
    given = answer
    await sync()
    await device.engine.sync()
    expect(registrations).toBe(1)
    expect(shown()).toEqual([undefined, undefined])
    given = { status: 200, deviceToken: TOKEN }
    await sync()
    expect(shown().at(-1)).toBe(TOKEN)
  })

  test('is not asked for unless the app wants it', async () => {
    device = createDevice({ server })
    await sync()
    expect(registrations).toBe(0)
    expect(shown()).toEqual([undefined])
  })

  test('of another device id is not shown for this one', async () => {
    await sync()
    const disk = device.disk()
    device = createDevice({ server, config: { deviceCredential: true, deviceId: 'device-2' } })
    await device.boot(disk)
    await device.engine.sync()
    expect(registrations).toBe(2)
  })
})
