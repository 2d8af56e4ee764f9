import type { ConsolePages } from '../console-page.ts'

let webhookId = ''
let deliveryId = ''

export const webhooksPages: ConsolePages = {
  seed: async ({ api }) => {
    // Nobody is there.
    const { id } = await api.createWebhook({ url: 'http://127.0.0.1:9/tickets', app: 'demo' })
    await api.createWebhook({ url: 'http://127.0.0.1:9/chat', types: ['guard.tripped', 'rollback'] })
    webhookId = id
    deliveryId = (await api.testWebhook(id)).id
  },
  pages: [
    {
      name: 'webhooks',
      address: '/webhooks',
      shows: (page) => page.getByRole('link', { name: 'http://127.0.0.1:9/tickets' }).waitFor(),
    },
    {
      name: 'webhook-new',
      address: '/webhooks',
      shows: async (page) => {
        // Of the look before.
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'hidden' })
        await page.getByRole('button', { name: 'New webhook' }).click()
      },
      prepare: async (page) => {
        await page.getByRole('radio', { name: 'Only these' }).check()
        await page.getByRole('checkbox', { name: 'guard.tripped' }).waitFor()
      },
    },
    {
      name: 'webhook',
      address: () => `/webhooks/${webhookId}`,
      shows: (page) => page.getByRole('link', { name: 'webhook.test' }).waitFor(),
    },
    {
      name: 'webhook-delivery',
      address: () => `/webhooks/${webhookId}/deliveries/${deliveryId}`,
      shows: (page) => page.getByRole('heading', { name: 'What is sent' }).waitFor(),
    },
  ],
}
