import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Launch } from '@hotpatch/client'
import type { DownloadProgress, ManagerState } from '../manager/manager-state.ts'

interface ProcessSettings {
  directory: string
  serverUrl: string
  projectId: string
  publicKey: string
  /** Which it says that it is: linux when absent. */
  platform?: 'android' | 'linux'
  crashes?: boolean
}

interface Said {
  progress?: DownloadProgress
  launched?: Launch
  state?: ManagerState
}

/** The app of update-process.ts, in a process of its own. */
export function startUpdateProcess(settings: ProcessSettings) {
  const script = fileURLToPath(new URL('./update-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=source', script, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()

  async function next(): Promise<Said | undefined> {
    const { done, value } = await lines.next()
    return done ? undefined : (JSON.parse(value) as Said)
  }

  return {
    next,
    async until(isIt: (said: Said) => boolean): Promise<void> {
      for (;;) {
        const said = await next()
        if (!said) throw new Error('the process ended before')
        if (isIt(said)) return
      }
    },
    async kill(): Promise<void> {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** All of it, to its end. */
export async function runUpdateProcess(settings: ProcessSettings): Promise<Said> {
  const started = startUpdateProcess(settings)
  const all: Said = {}
  for (let said = await started.next(); said; said = await started.next()) Object.assign(all, said)
  return all
}
