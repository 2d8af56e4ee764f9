import type { Console } from '../open-console.ts'
import type { ConsolePages } from '../console-page.ts'

let invited = ''

export const peoplePages: ConsolePages = {
  async seed({ api, server, url }: Console) {
    const { id } = await api.getApp('demo')
    const ina = await api.invite({
      email: 'ina.publisher@example.com',
      name: 'Ina Publisher',
      grants: [{ role: 'reader' }, { role: 'publisher', app: id }],
    })
    const answer = await server.request('POST', '/manage/v1/one-time-links/use', {
      token: null,
      headers: {
        'sec-fetch-site': 'same-origin',
        host: new URL(url).host,
        'user-agent': 'Mozilla/5.0 (X11; Linux) Firefox/140.0',
      },
      body: { secret: new URL(ina.link).hash.slice(1), password: 'correct horse battery' },
    })
    if (answer.status !== 200) throw new Error(`Nobody was invited: ${answer.status}`)
    invited = (await api.listPeople({ text: 'ina.publisher' })).items[0]?.id ?? ''
    await api.invite({ email: 'waiting@example.com', grants: [{ role: 'admin' }] })
  },
  pages: [
    {
      name: 'people',
      address: '/people',
      shows: async (page) => {
        await page.getByText('Ina Publisher').first().waitFor()
        await page.getByText('waiting@example.com').waitFor()
      },
    },
    {
      name: 'person',
      address: () => `/people/${invited}`,
      shows: async (page) => {
        await page.getByRole('heading', { name: 'Ina Publisher' }).waitFor()
        await page.getByText('Firefox, Linux').waitFor()
        await page.getByRole('group', { name: 'What Ina Publisher may act as' }).waitFor()
      },
    },
    {
      name: 'people-invite',
      address: '/people',
      shows: (page) => page.getByText('waiting@example.com').waitFor(),
      prepare: async (page) => {
        // It may be open since the look before.
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'detached' })
        await page.getByRole('button', { name: 'Invite somebody' }).click()
        await page.getByRole('textbox', { name: 'E-mail' }).fill('new@example.com')
        await page.getByRole('button', { name: 'Add a role' }).click()
      },
    },
  ],
}
