import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import { findProject, readProject } from './project-file.ts'

const read = (json: unknown) => readProject(JSON.stringify(json), '/app/hotpatch.json')

describe('a project file', () => {
  test('names the app, its platforms and defaults', () => {
    const defaults = { channel: 'beta', entryFile: 'src/index.js', buildDir: 'out', rollout: 12.5, mandatory: false }
    const project = read({ app: 'shop', url: 'https://x.example/', platforms: ['android'], defaults })
    expect(project).toMatchObject({ app: 'shop', url: 'https://x.example', platforms: ['android'], defaults })
    expect(project.directory).toBe('/app')
  })

  test('may be empty', () => {
    expect(read({}).app).toBeUndefined()
    expect(read({ $schema: './schema.json' }).platforms).toBeUndefined()
  })

  test('may begin with a byte order mark, as some editors write one', () => {
    expect(readProject('\uFEFF{"app": "shop"}\r\n', '/app/hotpatch.json').app).toBe('shop')
  })

  test.each([
    ['[]', '/: expected an object, found an array of 0'],
    ['{', 'JSON'],
    ['{"app": ""}', '/app: expected the slug or id of an app, found ""'],
    ['{"app": 7}', '/app: expected the slug or id of an app, found 7'],
    [
      '{"appp": "x"}',
      '/appp: expected only $schema, app, appId, trustedKeys, encryptFor, url, platforms, defaults here',
    ],
    ['{"appId": "x"}', '/appId: expected the id of an app, found "x"'],
    [`{"trustedKeys": ["${'A'.repeat(43)}="]}`, '/appId: expected the id of the app that trustedKeys are for'],
    ['{"trustedKeys": ["x"]}', '/trustedKeys/0: expected an Ed25519 public key in base64, found "x"'],
    ['{"token": "x"}', '/token: expected only'],
    ['{"url": "ftp://x"}', '/url: expected an http or https address'],
    ['{"platforms": ["symbian"]}', '/platforms/0: expected one of ios, android'],
    ['{"platforms": "ios"}', '/platforms: expected an array'],
    ['{"defaults": {"rollout": 101}}', '/defaults/rollout: expected a percentage from 0 to 100'],
    ['{"defaults": {"rollout": "10"}}', '/defaults/rollout: expected a percentage from 0 to 100'],
    ['{"defaults": {"mandatory": "no"}}', '/defaults/mandatory: expected true or false, found "no"'],
    ['{"defaults": {"channel": "Not Good"}}', '/defaults/channel: expected the name of a channel'],
    ['{"defaults": {"version": "1"}}', '/defaults/version: expected only channel, entryFile'],
  ])('%s says %s', (text, message) => {
    expect(() => readProject(text, '/app/hotpatch.json')).toThrow(message)
  })

  test('is found in the folders above', async () => {
    const root = await temporaryDirectory()
    await mkdir(join(root, 'a', 'b'), { recursive: true })
    await writeFile(join(root, 'hotpatch.json'), '{"app": "shop"}')
    expect(await findProject(join(root, 'a', 'b'))).toMatchObject({ app: 'shop', directory: root })
  })
})
