import { join } from 'node:path'
import type { Host, InstallerPort } from '../ground/ports.ts'
import { createNodeHost, createNodeInstaller, type NodeHostOptions } from '../node/index.ts'

export { serveUpdater, type IpcMain, type PageContents } from './serve-updater.ts'

/** What is used of Electron's `app`, in the main process. */
export interface ElectronApp {
  getPath(name: 'userData'): string
  getVersion(): string
  quit(): void
}

/** What is used of Electron's `shell`. */
export interface ElectronShell {
  /** Answers with what went wrong, or with nothing. */
  openPath(path: string): Promise<string>
}

export interface ElectronHostOptions extends Partial<NodeHostOptions> {
  app: ElectronApp
  shell: ElectronShell
  /** Ends the app when the installer has the file, which installers of Windows and AppImages want. Absent: true. */
  quits?: boolean
}

/** The main process of an Electron app. Pages reach it by `serveUpdater` and `connectUpdater`. */
export function createElectronHost({ app, shell, quits = true, ...options }: ElectronHostOptions): Host {
  return createNodeHost({
    directory: join(app.getPath('userData'), 'hotpatch-update'),
    installer: createElectronInstaller({ app, shell, quits }),
    ...options,
  })
}

function createElectronInstaller({
  app,
  shell,
  quits,
}: Required<Pick<ElectronHostOptions, 'app' | 'shell' | 'quits'>>): InstallerPort {
  const programs = createNodeInstaller()
  return {
    async handOver(file) {
      // A program is started so that it outlives this one; the rest the desktop knows how to open.
      if (file.format === 'exe' || file.format === 'msi' || file.format === 'appimage') await programs.handOver(file)
      else {
        const refusal = await shell.openPath(file.path)
        if (refusal !== '') throw new Error(refusal)
      }
      if (quits) app.quit()
    },
  }
}
