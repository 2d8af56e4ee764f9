import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page, Webhook, WebhookDelivery, WebhookDeliveryDetail, WebhookWithSecret } from '@hotpatch/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer({ HOTPATCH_WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8' })
let status = 204
const receiver = createServer((request, response) => {
  request.resume()
  response.writeHead(status).end()
})
let address = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
})
afterAll(() => receiver.close())

describe('webhooks', () => {
  test('are added, listed, disabled, enabled and removed', async () => {
    const { app, json, run } = await server.createPublisher()
    const added = await json<WebhookWithSecret>(`webhooks add ${address} --types rollback,rollout.paused --yes`)
    const { secret, ...webhook } = added
    expect(added).toMatchObject({ url: address, appId: app.id, types: ['rollback', 'rollout.paused'], isEnabled: true })
    expect(secret).toMatch(/^whsec_/)
    const list = (await json<Page<Webhook>>(`webhooks list --app ${app.slug}`)).items
    expect(list).toEqual([webhook])
    expect(await json(`webhooks disable ${webhook.id} --yes`)).toMatchObject({ isEnabled: false })
    expect(await json(`webhooks enable ${webhook.id} --yes`)).toMatchObject({ isEnabled: true })
    const shown = await run('webhooks list')
    expect(shown.stdout).toContain(address)
    expect(shown.stdout).not.toContain(secret)
    expect(await run(`webhooks remove ${webhook.id} --yes`)).toMatchObject({
      exitCode: 0,
      stdout: `Removed: ${address}\n`,
    })
  })

  test('for all apps are made when that is said', async () => {
    const { json } = await server.createPublisher()
    const added = await json<WebhookWithSecret>(`webhooks add ${address} --all-apps --yes`)
    expect(added).toMatchObject({ appId: null, types: [] })
    await json(`webhooks remove ${added.id} --yes`)
  })

  test('show their new secret when it is rotated, and say how long the old one works', async () => {
    const { json, run } = await server.createPublisher()
    const added = await json<WebhookWithSecret>(`webhooks add ${address} --yes`)
    const { exitCode, stdout, stderr } = await run(`webhooks rotate-secret ${added.id} --yes --json`)
    const rotated = JSON.parse(stdout) as WebhookWithSecret
    expect([exitCode, rotated.id]).toEqual([0, added.id])
    expect(rotated.secret).not.toBe(added.secret)
    expect(stderr).toMatch(/not shown again.*24 hours/s)
  })

  test('are tested, and the exit code says what came of it', async () => {
    const { json, run } = await server.createPublisher()
    const { id } = await json<WebhookWithSecret>(`webhooks add ${address} --yes`)
    status = 200
    expect(await json<WebhookDeliveryDetail>(`webhooks test ${id}`)).toMatchObject({
      state: 'delivered',
      lastStatus: 200,
    })
    status = 500
    const failed = await run(`webhooks test ${id}`)
    expect(failed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('It answered 500') })
    expect(failed.stdout).toContain('failed')
    const { items } = await json<Page<WebhookDelivery>>(`webhooks deliveries ${id}`)
    expect(items.map(({ state }) => state)).toEqual(['failed', 'delivered'])
    expect((await json<Page<WebhookDelivery>>(`webhooks deliveries ${id} --state failed`)).items).toHaveLength(1)
    const again = await json<WebhookDelivery>(`webhooks redeliver ${id} ${items[0]?.id} --yes`)
    expect(again).toMatchObject({ id: items[0]?.id, state: 'pending' })
    status = 204
  })

  test.each([
    ['a private address', 'add http://10.0.0.1/ --yes', 1, /not on the public internet/],
    ['a type that there is not', 'add https://example.com/ --types rollout.eaten --yes', 2, /Expected some of/],
    ['nobody to ask', 'add https://example.com/', 2, /--yes/],
    ['an unknown id', 'test 00000000-0000-7000-8000-000000000000', 1, /no such webhook/],
  ])('are refused with %s', async (_case, line, exitCode, message) => {
    const { run } = await server.createPublisher()
    expect(await run(`webhooks ${line}`)).toMatchObject({ exitCode, stderr: expect.stringMatching(message) })
  })

  test('are for admins', async () => {
    const { run, env } = await server.createPublisher()
    const token = await server.createToken('publisher')
    const refused = await run('webhooks list', { env: { ...env, HOTPATCH_TOKEN: token } })
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('is not allowed to you') })
  })
})
