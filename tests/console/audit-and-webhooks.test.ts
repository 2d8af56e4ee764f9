import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { AuditLine } from '@hotpatch/api'
import { eventually } from '@hotpatch/testkit'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executablePath, openConsole, PHONE, type Console } from './open-console.ts'

describe.skipIf(!executablePath)('the audit log and webhooks in the console', () => {
  let console: Console
  let page: Page
  let receiver: Server
  let address: string
  const received: { type: string; signature: string }[] = []
  let status = 204

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      void text(request).then((body) => {
        const signature = String(request.headers['webhook-signature'])
        received.push({ type: (JSON.parse(body) as { type: string }).type, signature })
        response.writeHead(status).end()
      })
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
    console = await openConsole()
    await console.api.createApp({ slug: 'shop', name: 'Corner Shop', platforms: ['android'] })
    await console.api.changeApp('shop', { name: 'The Shop' })
    await console.api.createApp({ slug: 'till', name: 'Till', platforms: ['windows'] })
    page = await console.openPage()
  })
  afterAll(async () => {
    await console.close()
    receiver.close()
  })

  const rows = () => page.getByRole('row').filter({ has: page.getByRole('link') })

  test('who changed what is found by filters that stand in the address, and shown as a difference', async () => {
    await page.goto(`${console.url}/dashboard/audit`)
    await page.getByRole('link', { name: 'app.changed' }).waitFor()
    await page.getByRole('search').getByLabel('What', { exact: true }).first().fill('app')
    await page.getByRole('combobox', { name: 'App' }).selectOption('Till')
    await eventually(async () => expect(await rows().allInnerTexts()).toHaveLength(1))
    await eventually(() => expect(new URL(page.url()).search).toBe('?action=app&app=till'))
    // Whoever is sent the address sees the same.
    await page.reload()
    await page.getByRole('link', { name: 'app.created' }).waitFor()
    expect(await rows().allInnerTexts()).toHaveLength(1)
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await page.getByRole('link', { name: 'app.changed' }).click()
    const change = page.getByRole('row', { name: /^name/ })
    await change.waitFor()
    expect((await change.innerText()).replace(/\s+/g, ' ')).toBe('name − Before Corner Shop + After The Shop')
    await page.getByRole('switch').check()
    await page.getByRole('rowheader', { name: 'slug' }).waitFor()
    await page.getByRole('link', { name: 'All that was done to it' }).click()
    await eventually(async () =>
      expect((await rows().allInnerTexts()).map((row) => row.split(/\s/, 1)[0])).toEqual([
        'app.changed',
        'app.created',
      ]),
    )
  })

  test('it is exported with its seals, and the page says where the chain ends', async () => {
    await page.goto(`${console.url}/dashboard/audit`)
    await page.getByRole('button', { name: 'Check that nobody has changed it' }).click()
    const { position, hash } = await console.api.getAuditHead()
    await page.getByText(`${position} entries are sealed`).waitFor()
    await page.getByTitle(`${position}:${hash}`).waitFor()
    const link = page.getByRole('link', { name: 'Export' })
    expect(await link.getAttribute('download')).toBe('audit.ndjson')
    const exported = await page.request.get((await link.getAttribute('href')) ?? '')
    const lines = (await exported.text()).trimEnd().split('\n')
    expect(JSON.parse(lines.at(-1) ?? '') as AuditLine).toMatchObject({ kind: 'end', position, hash })
    expect(lines).toHaveLength(position + 1)
  })

  test('a webhook is made, tried, and its secret shown once', async () => {
    await page.goto(`${console.url}/dashboard/webhooks`)
    await page.getByRole('heading', { name: 'No webhooks yet' }).waitFor()
    await page.getByRole('button', { name: 'New webhook' }).click()
    const dialog = page.getByRole('dialog', { name: 'New webhook' })
    await dialog.getByRole('textbox', { name: 'Address' }).fill('http://10.0.0.1/hook')
    await dialog.getByRole('button', { name: 'Make webhook' }).click()
    // What was typed stays, to be mended.
    await dialog.getByRole('alert').waitFor()
    await dialog.getByRole('textbox', { name: 'Address' }).fill(address)
    await dialog.getByRole('button', { name: 'Make webhook' }).click()
    await page.getByText(/^whsec_/).waitFor()
    await page.getByRole('button', { name: 'I have kept it' }).click()
    await page.getByRole('link', { name: address }).click()
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByText('The test arrived: Answer 204').waitFor()
    await page.getByRole('link', { name: 'webhook.test' }).waitFor()
    expect(received.map(({ type }) => type)).toEqual(['webhook.test'])
    expect(await page.content()).not.toContain('whsec_')
  })

  test('what did not arrive is seen with its reason, and sent again', async () => {
    status = 500
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByText('The test did not arrive').waitFor()
    await page.getByRole('radiogroup', { name: 'State of deliveries' }).getByText('Failed').click()
    await eventually(() => expect(new URL(page.url()).search).toBe('?state=failed'))
    await eventually(async () => expect(await rows().allInnerTexts()).toHaveLength(1))
    await page.getByRole('link', { name: 'webhook.test' }).click()
    await page.getByRole('heading', { name: 'Attempts' }).waitFor()
    await page.getByText('500').first().waitFor()
    status = 204
    await page.getByRole('button', { name: 'Send again' }).click()
    await page.getByText('Delivered', { exact: true }).waitFor()
    expect(received).toHaveLength(3)
  })

  test('its secret is changed, it is paused and taken away, on a phone, too', async () => {
    await page.setViewportSize(PHONE)
    await page.getByRole('link', { name: 'Webhook', exact: true }).click()
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'New secret' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'New secret' }).click()
    await page.getByText(/^whsec_/).waitFor()
    await page.getByRole('button', { name: 'I have kept it' }).click()
    await page.getByRole('button', { name: 'Send a test' }).click()
    await eventually(() => expect(received).toHaveLength(4))
    // For a day both secrets sign.
    expect(received.at(-1)?.signature.split(' ')).toHaveLength(2)
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('Paused', { exact: true }).waitFor()
    const { items } = await console.api.listWebhooks()
    expect(items).toMatchObject([{ url: address, isEnabled: false }])
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Remove webhook' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove webhook' }).click()
    await page.getByRole('heading', { name: 'No webhooks yet' }).waitFor()
    expect((await console.api.listWebhooks()).items).toEqual([])
  })
})
