import { spawn } from 'node:child_process'
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { join } from 'node:path'
import { ROOT, runNode, unpack } from './packed-packages.ts'

export const EXAMPLE = join(ROOT, 'examples', 'capacitor')

/** The example as the project that it becomes, with what it depends on: HotPatch's packed packages among it. */
export async function takeOutApp(directory: string): Promise<void> {
  await runNode([join(EXAMPLE, 'take-out.mjs'), directory, '--no-install'], { cwd: ROOT })
  const modules = join(directory, 'node_modules')
  for (const tarball of await readdir(join(directory, 'vendor'))) {
    await unpack(join(directory, 'vendor', tarball), modules)
  }
  for (const name of await installedNames()) {
    await mkdir(join(modules, name, '..'), { recursive: true })
    await symlink(join(EXAMPLE, 'node_modules', name), join(modules, name))
  }
  await mkdir(join(modules, '.bin'))
  await symlink('../hotpatch/bin/hotpatch.js', join(modules, '.bin', 'hotpatch'))
  for (const name of ['tsc', 'vite']) {
    await symlink(join(EXAMPLE, 'node_modules', '.bin', name), join(modules, '.bin', name))
  }
}

async function installedNames(): Promise<string[]> {
  const modules = join(EXAMPLE, 'node_modules')
  const names = (await readdir(modules)).filter((name) => !name.startsWith('.'))
  const scopes = names.filter((name) => name.startsWith('@'))
  const scoped = scopes.map(async (scope) => (await readdir(join(modules, scope))).map((name) => `${scope}/${name}`))
  return [...names.filter((name) => !scopes.includes(name)), ...(await Promise.all(scoped)).flat()]
}

/** Makes the next build another release. */
export async function setRelease(app: string, { version, source }: { version: string; source: string }): Promise<void> {
  const path = join(app, 'package.json')
  const manifest = JSON.parse(await readFile(path, 'utf8')) as object
  await writeFile(path, `${JSON.stringify({ ...manifest, version }, undefined, 2)}\n`)
  await writeFile(join(app, 'src', 'headline.ts'), source)
}

/** Every file below a folder, by its path. */
export async function readFiles(directory: string): Promise<Map<string, Uint8Array>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const read = files.map(async (file) => [file.slice(directory.length + 1), await readFile(file)] as const)
  return new Map(await Promise.all(read))
}

/** A folder with what the Dockerfile's last stage takes from the one before, and nothing else. */
export async function makeImage(app: string, image: string): Promise<void> {
  const dockerfile = await readFile(join(app, 'Dockerfile'), 'utf8')
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
  const copied = [...last.matchAll(/^COPY --from=build \/app\/(\S+) \.\/(\S*)$/gm)]
  for (const [, from = '', to = ''] of copied) {
    if (from === 'node_modules') await installForServer(app, join(image, to))
    else await cp(join(app, from), join(image, to === '' ? from : to), { recursive: true })
  }
  await cp(join(app, 'Dockerfile'), join(image, 'Dockerfile'))
}

/** Without what only builds need. The app's own half is in what was built. */
async function installForServer(app: string, modules: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(app, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const path of Object.values(manifest.dependencies)) {
    if (path.startsWith('file:')) await unpack(join(app, path.slice('file:'.length)), modules)
  }
}

/** The command of the image. */
export async function startImage(image: string, env: Record<string, string>) {
  const dockerfile = await readFile(join(image, 'Dockerfile'), 'utf8')
  const [, ...args] = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[]
  const server = spawn(process.execPath, args, {
    cwd: image,
    env: { ...process.env, NODE_ENV: 'production', HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(server, 'exit')
  const lines = createInterface({ input: server.stdout })
  const line = await Promise.race([once(lines, 'line').then(([first]) => String(first)), ended.then(() => 'nothing')])
  const port = /listens on http:\/\/localhost:(\d+)/.exec(line)?.[1]
  if (port === undefined) throw new Error(`The example's server said ${line}.`)
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async stop(): Promise<number | null> {
      server.kill('SIGTERM')
      await ended
      return server.exitCode
    },
  }
}
