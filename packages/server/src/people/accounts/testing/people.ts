import { BrowserOf, type Server } from './browser.ts'

export const PASSWORD = 'correct horse battery'

let invited = 0

/** People of one server: the first owner, and whom others invite. */
export function peopleOf(server: Server) {
  async function firstOwner(): Promise<BrowserOf> {
    const browser = new BrowserOf(server)
    const owner = { secret: server.firstOwnerSecret, email: 'olga@example.com', name: 'Olga', password: PASSWORD }
    await expectDone(browser.post('/one-time-links/use', owner))
    return browser
  }

  /** Somebody who was invited, and is signed in. */
  async function invite(
    by: BrowserOf,
    grants: unknown[],
    name = `Person ${(invited += 1)}`,
  ): Promise<{ id: string; email: string; browser: BrowserOf }> {
    const email = `${name.toLowerCase().replaceAll(' ', '-')}@example.com`
    const { status, body } = await by.post('/people/invitations', { email, name, grants })
    if (status !== 201) throw new Error(`not invited: ${status} ${JSON.stringify(body)}`)
    const browser = new BrowserOf(server)
    await expectDone(browser.post('/one-time-links/use', { secret: secretOf(body.link), password: PASSWORD }))
    return { id: (await browser.get('/account')).body.id, email, browser }
  }

  async function signIn(email: string, password = PASSWORD, browser = new BrowserOf(server)) {
    const response = await browser.post('/sign-in', { email, password })
    return { browser, response }
  }

  return { firstOwner, invite, signIn }
}

/** What is behind the "#". */
export function secretOf(link: string): string {
  return new URL(link).hash.slice(1)
}

async function expectDone(answer: Promise<{ status: number; body: unknown }>): Promise<void> {
  const { status, body } = await answer
  if (status !== 200) throw new Error(`not done: ${status} ${JSON.stringify(body)}`)
}
