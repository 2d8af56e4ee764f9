import type { AppUpdater } from '../updater/updater.ts'
import type { UpdaterState } from '../updater/updater-state.ts'
import { UPDATE_CHANNEL, type UpdateAction } from './update-channel.ts'

/** What a page may do: everything but to say what is asked, and of whom. */
export type UpdaterView = Pick<AppUpdater, 'state' | 'subscribe' | 'later' | 'stop'> & {
  check(): unknown
  download(): unknown
  install(): unknown
}

/** What is used of `ipcRenderer`. */
export interface IpcRenderer {
  invoke(channel: string, action?: UpdateAction): Promise<unknown>
  on(channel: string, listener: (event: unknown, state: UpdaterState) => void): unknown
}

/** In the preload script of a page: the updater of the main process, as the elements of `./ui` take it. */
export function connectUpdater(ipcRenderer: IpcRenderer): UpdaterView {
  const listeners = new Set<() => void>()
  let state: UpdaterState = { kind: 'idle' }
  const become = (next: UpdaterState) => {
    state = next
    for (const listener of listeners) listener()
  }
  const act = (action?: UpdateAction) => {
    // The next state says what came of it; a main process that is gone says nothing any more.
    ipcRenderer.invoke(UPDATE_CHANNEL, action).then(
      (next) => become(next as UpdaterState),
      () => undefined,
    )
  }
  ipcRenderer.on(UPDATE_CHANNEL, (_event, next) => become(next))
  act()
  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    check: () => act('check'),
    download: () => act('download'),
    install: () => act('install'),
    later: () => act('later'),
    stop: () => act('stop'),
  }
}
