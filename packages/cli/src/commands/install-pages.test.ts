import type { InstallLink, InstallPage, Page } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const PASSWORD = 'correct horse battery'

async function toolWithApp() {
  const { app, ...tool } = await server.createPublisher({ key: false })
  return { tool, app, pageOf: (channel: string) => `${server.url()}/apps/${app.slug}/install/${channel}` }
}

describe('install pages', () => {
  test('are opened, listed and closed', async () => {
    const { tool, app, pageOf } = await toolWithApp()
    const opened = await tool.json<InstallPage>(`install-page open production --access open --app ${app.slug} --yes`)
    expect(opened).toMatchObject({
      channel: 'production',
      access: 'open',
      hasPassword: false,
      url: pageOf('production'),
    })
    expect((await fetch(opened.url)).status).toBe(200)
    const { items } = await tool.json<Page<InstallPage>>(`install-page list --app ${app.slug}`)
    expect(items.map(({ channel, access }) => [channel, access])).toEqual([['production', 'open']])
    await tool.json(`install-page close production --app ${app.slug} --yes`)
    expect((await fetch(opened.url)).status).toBe(404)
  })

  test('have a password that is passed in or asked for, and shown nowhere', async () => {
    const { tool, app, pageOf } = await toolWithApp()
    const open = ['install-page', 'open', 'staging', '--access', 'protected', '--app', app.slug]
    const piped = await tool.run([...open, '--password-stdin', '--yes'], { input: `${PASSWORD}\n` })
    const asked = await tool.run([...open, '--password', '--yes'], { isTTY: true, input: `${PASSWORD}\r` })
    for (const { exitCode, stdout, stderr } of [piped, asked]) {
      expect([exitCode, stdout + stderr]).toEqual([0, expect.not.stringContaining(PASSWORD)])
    }
    const signIn = (password: string) =>
      fetch(pageOf('staging'), { method: 'POST', body: new URLSearchParams({ password }), redirect: 'manual' })
    expect((await signIn(PASSWORD)).status).toBe(303)
    expect((await signIn('another')).status).toBe(401)
  })

  test('give links that let in', async () => {
    const { tool, app, pageOf } = await toolWithApp()
    await tool.json(`install-page open staging --access protected --app ${app.slug} --yes`)
    const link = await tool.json<InstallLink>(`install-page link staging --hours 2 --app ${app.slug}`)
    expect((await fetch(link.url)).status).toBe(200)
    expect((await fetch(pageOf('staging'))).status).toBe(401)
  })

  test.each([
    ['open production --access open --password-stdin', 2, 'expected protected'],
    ['open production --access protected --password', 2, '--password-stdin'],
    ['link production --hours 0', 2, 'expected a whole number'],
    ['link production --hours 2', 1, 'no install page'],
    ['open nowhere --access open --yes', 1, 'nowhere'],
  ])('say what is wrong with %s', async (command, exitCode, message) => {
    const { tool, app } = await toolWithApp()
    const told = await tool.run(`install-page ${command} --app ${app.slug}`)
    expect([told.exitCode, told.stderr]).toEqual([exitCode, expect.stringContaining(message)])
  })
})
