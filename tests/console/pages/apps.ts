import type { ConsolePages } from '../console-page.ts'

export const appsPages: ConsolePages = {
  seed: async ({ api }) => {
    await api.createApp({ slug: 'demo', name: 'Corner Shop', platforms: ['android', 'ios'] })
    await api.createApp({ slug: 'till', name: 'Till', platforms: ['windows', 'linux'] })
  },
  pages: [
    {
      name: 'apps',
      address: '/',
      shows: (page) => page.getByRole('link', { name: 'Corner Shop' }).waitFor(),
    },
    {
      name: 'new-app',
      address: '/new-app',
      shows: (page) => page.getByRole('button', { name: 'Make the app' }).waitFor(),
    },
  ],
}
