import type { ConsolePages } from '../console-page.ts'

export const accountPages: ConsolePages = {
  pages: [
    {
      name: 'account',
      address: '/account',
      shows: (page) => page.getByText('This one').waitFor(),
    },
    {
      name: 'sign-in',
      address: '/sign-in',
      shows: (page) => page.getByRole('textbox', { name: 'E-mail' }).waitFor(),
    },
    {
      name: 'link-that-is-broken',
      address: '/invitation#nothing-that-anybody-was-ever-given',
      isRefused: '/manage/v1/one-time-links/look',
      shows: (page) => page.getByText('This link does not work').waitFor(),
    },
  ],
}
