import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { UpdaterState } from '../updater/updater-state.ts'
import { startFileServer, type FileServer } from '../testing/file-server.ts'
import { createAppUpdater } from '../updater/updater.ts'
import { createElectronHost, serveUpdater } from './index.ts'
import { connectUpdater, type IpcRenderer } from './preload.ts'

const BYTES = new TextEncoder().encode('a package')

let server: FileServer
let directory: string
beforeEach(async () => {
  server = await startFileServer()
  directory = await mkdtemp(join(tmpdir(), 'hotpatch-electron-'))
  server.serveFile('/app.deb', BYTES)
  server.serveJson('/api/updates/check', {
    update_available: true,
    latest_version: '1.1.0',
    download_url: `${server.url}/app.deb`,
    file_size: BYTES.length,
    checksum: createHash('sha256').update(BYTES).digest('hex'),
  })
})
afterEach(async () => {
  await server.stop()
  await rm(directory, { recursive: true, force: true })
})

/** As Electron's, as far as it is used. */
function electron(refusal = '') {
  const opened: string[] = []
  let quits = 0
  const app = { getPath: () => directory, getVersion: () => '1.0.0', quit: () => void (quits += 1) }
  const shell = { openPath: async (path: string) => (refusal === '' && opened.push(path), refusal) }
  const updater = createAppUpdater(createElectronHost({ app, shell }), {
    serverUrl: server.url,
    platform: 'linux',
    installedVersion: app.getVersion(),
    allowInsecure: 'loopback',
  })
  return { updater, opened, quits: () => quits }
}

test('the file is opened by the desktop, and the app ends', async () => {
  const { updater, opened, quits } = electron()
  await updater.check()
  await updater.download()
  expect((await updater.install()).kind).toBe('handed-over')
  expect(opened).toEqual([join(directory, 'hotpatch-update/ready/update-1.1.0.deb')])
  expect(await readFile(opened[0] ?? '')).toEqual(Buffer.from(BYTES))
  expect(quits()).toBe(1)
})

test('what the desktop does not open is said, and the app goes on', async () => {
  const { updater, quits } = electron('No application knows this file')
  await updater.check()
  await updater.download()
  expect(await updater.install()).toMatchObject({
    kind: 'failed',
    code: 'install-failed',
    message: expect.stringMatching(/No application/),
  })
  expect(quits()).toBe(0)
})

test('a page sees the state of the main process, and presses its buttons', async () => {
  const { updater, opened } = electron()
  const wire = new EventEmitter()
  let handler: ((event: unknown, action?: unknown) => unknown) | undefined
  const ipcMain = { handle: (_channel: string, listener: NonNullable<typeof handler>) => void (handler = listener) }
  const ipcRenderer: IpcRenderer = {
    // Copies, as between processes.
    invoke: async (_channel, action) => structuredClone(await handler?.({}, action)),
    on: (channel, listener) => wire.on(channel, listener),
  }
  const page = {
    send: (channel: string, state: UpdaterState) => void wire.emit(channel, {}, structuredClone(state)),
    isDestroyed: () => false,
  }
  const gone = { send: () => expect.unreachable(), isDestroyed: () => true }
  const stop = serveUpdater(updater, ipcMain, () => [page, gone])
  const view = connectUpdater(ipcRenderer)
  const kinds: string[] = []
  const forget = view.subscribe(() => kinds.push(view.state().kind))
  view.check()
  await expect.poll(() => view.state().kind).toBe('available')
  view.later()
  await expect.poll(() => view.state()).toMatchObject({ isPostponed: true })
  view.download()
  await expect.poll(() => view.state().kind).toBe('ready')
  view.install()
  await expect.poll(() => view.state().kind).toBe('handed-over')
  expect(opened).toHaveLength(1)
  expect(kinds).toContain('downloading')
  await handler?.({}, 'state')
  expect(await handler?.({}, { toString: () => 'check' })).toMatchObject({ kind: 'handed-over' })
  forget()
  stop()
})
