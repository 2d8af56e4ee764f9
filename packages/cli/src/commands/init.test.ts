import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { readProject } from '../config/project-file.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

describe('init', () => {
  test('makes the app that the folder holds, and a file that later commands take', async () => {
    const tool = await server.createOwner()
    await tool.json('keys generate')
    await tool.write({
      'package.json': '{"name": "@shop/Basket App"}',
      'android/build.gradle': '',
      'index.tsx': '',
    })
    const made = await tool.json<{ path: string; appId: string }>('init --yes')
    const path = join(tool.cwd, 'hotpatch.json')
    const app = await tool.json<App>('apps show')
    expect(app).toMatchObject({ id: made.appId, slug: 'basket-app', platforms: ['android'] })
    const project = readProject(await readFile(path, 'utf8'), path)
    expect(project).toMatchObject({
      app: 'basket-app',
      appId: app.id,
      url: server.url(),
      platforms: ['android'],
      trustedKeys: [expect.stringMatching(/=$/)],
      defaults: { entryFile: 'index.tsx' },
    })
    const again = await tool.run('init --yes')
    expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('is not overwritten')])
  })

  test('takes an app that is there, and asks before it does anything', async () => {
    const { app } = await server.createPublisher({ key: false })
    const tool = await server.createOwner()
    const refused = await tool.run(['init', '--app', app.slug])
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('Give --yes')])
    expect(await tool.json('init', '--app', app.slug, '--yes')).toMatchObject({ appId: app.id, app: app.slug })
  })

  test('knows a Capacitor app by its configuration', async () => {
    const tool = await server.createOwner()
    await tool.write({
      'package.json': '{"name": "shop"}',
      'capacitor.config.ts': "export default { appId: 'com.example.shop', webDir: 'www' }",
      'android/build.gradle': '',
      'ios/App/App.xcodeproj/project.pbxproj': '',
      'index.ts': '',
    })
    const { stderr, exitCode } = await tool.run('init --yes')
    expect(exitCode).toBe(0)
    expect(stderr).toContain('Releases: of www')
    expect(stderr).toContain('hotpatch apps set shop --check-access open')
    expect(await tool.json<App>('apps show')).toMatchObject({
      slug: 'shop',
      platforms: ['android', 'ios'],
      bundleIds: ['com.example.shop'],
    })
    expect(await readFile(join(tool.cwd, 'hotpatch.json'), 'utf8')).not.toContain('entryFile')
  })
})
