import type { AppUpdater } from '../updater/updater.ts'
import type { UpdaterState } from '../updater/updater-state.ts'
import { UPDATE_ACTIONS, UPDATE_CHANNEL } from './update-channel.ts'

/** What is used of `ipcMain`. */
export interface IpcMain {
  handle(channel: string, listener: (event: unknown, action?: unknown) => unknown): void
}

/** What is used of a window's `webContents`. */
export interface PageContents {
  send(channel: string, state: UpdaterState): void
  isDestroyed(): boolean
}

/** In the main process: windows of the app see the updater's state, and press its buttons. */
export function serveUpdater(
  updater: AppUpdater,
  ipcMain: IpcMain,
  windows: () => readonly PageContents[],
): () => void {
  ipcMain.handle(UPDATE_CHANNEL, async (_event, action) => {
    const known = UPDATE_ACTIONS.find((each) => each === action)
    if (known) await updater[known]()
    return updater.state()
  })
  return updater.subscribe(() => {
    for (const page of windows()) if (!page.isDestroyed()) page.send(UPDATE_CHANNEL, updater.state())
  })
}
