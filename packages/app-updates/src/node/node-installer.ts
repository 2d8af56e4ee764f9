import { spawn } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import type { InstallerPort, VerifiedFile } from '../ground/ports.ts'

export interface NodeInstallerOptions {
  /** Another system's commands than those of this one. */
  platform?: NodeJS.Platform
  /** Starts a program that outlives this one; resolves when it runs. */
  start?: (command: string, args: readonly string[]) => Promise<void>
}

/** Opens the file as a double click does. It does not end the app: who hands over says when. */
export function createNodeInstaller(options: NodeInstallerOptions = {}): InstallerPort {
  const { platform = process.platform, start = startProgram } = options
  return {
    async handOver(file) {
      if (file.format === 'appimage') await chmod(file.path, 0o755)
      const [command, ...args] = commandFor(file, platform)
      await start(command, args)
    },
  }
}

/** No shell reads these. */
function commandFor({ path, format }: Pick<VerifiedFile, 'path' | 'format'>, platform: NodeJS.Platform) {
  if (format === 'exe' || format === 'appimage') return [path] as const
  if (format === 'msi') return ['msiexec', '/i', path] as const
  if (platform === 'win32') return ['explorer.exe', path] as const
  return [platform === 'darwin' ? 'open' : 'xdg-open', path] as const
}

function startProgram(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { detached: true, stdio: 'ignore' })
    child.once('error', reject)
    child.once('spawn', () => {
      child.unref()
      resolve()
    })
  })
}
