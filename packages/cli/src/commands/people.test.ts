import type { CreatedInvitation, CreatedResetLink, EverybodySignedOut, Page, Person } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const PASSWORD = 'correct horse battery'

/** As the console does it, for whoever has the link. */
async function follow(link: string, name?: string) {
  const secret = new URL(link).hash.slice(1)
  const response = await fetch(`${server.url()}/manage/v1/one-time-links/use`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: server.url() },
    body: JSON.stringify({ secret, password: PASSWORD, ...(name !== undefined && { name }) }),
  })
  return { status: response.status, body: (await response.json()) as { done: boolean } }
}

describe('people', () => {
  test('are invited, listed, changed, and removed', async () => {
    const tool = await server.createOwner()
    await tool.json('apps create people-app --yes')
    const refused = await tool.run('people invite ina@example.com --grant boss')
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('owner, admin, publisher') })

    const invite = await tool.run('people invite Ina@example.com --grant reader --grant publisher@people-app --yes')
    expect(invite).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/\/dashboard\/invitation#[\w-]+\n$/) })
    const waiting = await tool.json<Page<CreatedInvitation>>('people invitations')
    expect(waiting.items).toMatchObject([{ email: 'ina@example.com' }])
    expect(await follow(invite.stdout.trim(), 'Ina')).toEqual({ status: 200, body: { done: true } })

    const { items } = await tool.json<Page<Person>>('people list --text INA')
    expect(items).toMatchObject([{ name: 'Ina', grants: [{ role: 'reader', appId: null }, { role: 'publisher' }] }])
    expect((await tool.run('people list')).stdout).toMatch(/Ina +ina@example.com +reader, publisher@/)

    const changed = await tool.json<Person>('people change ina@example.com --grant admin --disable --yes')
    expect(changed).toMatchObject({ grants: [{ role: 'admin', appId: null }], disabledAt: expect.any(String) })
    expect(await tool.json(`people change ${changed.id} --enable --email ina@example.com --yes`)).toMatchObject({
      disabledAt: null,
    })
    expect(await tool.run('people change ina@example.com --yes')).toMatchObject({ exitCode: 2 })
    const nobody = await tool.run('people change x@example.com --enable --yes')
    expect(nobody).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Nobody with the e-mail address') })

    const reset = await tool.json<CreatedResetLink>('people reset ina@example.com --minutes 30 --yes')
    expect(await follow(reset.link)).toMatchObject({ status: 200, body: { done: false } })
    expect(await tool.json('people sign-out ina@example.com --yes')).toEqual({ signedOut: changed.id })
    expect(await tool.json('people remove ina@example.com --yes')).toEqual({ removed: changed.id })
    expect((await tool.json<Page<Person>>('people list')).items).toEqual([])
  })

  test('are all signed out at once, and links are worth nothing any more', async () => {
    const tool = await server.createOwner()
    const made = await tool.json<CreatedInvitation>('people invite all@example.com --grant reader --yes')
    expect(await tool.run('people sign-out-everyone')).toMatchObject({ exitCode: 2 })
    const ended = await tool.json<EverybodySignedOut>('people sign-out-everyone --yes')
    expect(ended).toMatchObject({ links: 1, tokens: 0 })
    expect((await follow(made.link, 'W')).status).toBe(410)
  })

  test('an invitation is withdrawn', async () => {
    const tool = await server.createOwner()
    const made = await tool.json<CreatedInvitation>('people invite w@example.com --grant reader --yes')
    await tool.json(`people withdraw ${made.id} --yes`)
    expect((await follow(made.link, 'W')).status).toBe(410)
  })
})
