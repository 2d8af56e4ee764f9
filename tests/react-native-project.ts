import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT, runNode } from './packed-packages.ts'

interface ProjectOptions {
  /** Of examples/: whose modules it has, besides. */
  example: 'react-native' | 'expo'
  /** Where the package lies as it is published. */
  modules: string
  /** The one that it depends on. */
  sdk: string
  dependencies: Record<string, string>
}

/** A project that depends on the SDK and on what the example does. Copied, not linked: what is found is found from there. */
export async function makeProject(
  directory: string,
  { example, modules, sdk, dependencies }: ProjectOptions,
): Promise<void> {
  const installed = join(ROOT, 'examples', example, 'node_modules')
  await mkdir(join(directory, 'node_modules/@hotpatch'), { recursive: true })
  for (const name of await readdir(installed)) {
    if (!name.startsWith('.')) await symlink(join(installed, name), join(directory, 'node_modules', name))
  }
  const withoutLinks = (path: string) => !path.includes(join(sdk, 'node_modules'))
  await cp(join(modules, sdk), join(directory, 'node_modules', sdk), { recursive: true, filter: withoutLinks })
  const manifest = {
    name: 'some-app',
    version: '1.0.0',
    main: 'index.js',
    dependencies: { ...dependencies, [sdk]: '0.1.0' },
  }
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest))
}

export interface Linked {
  platforms: {
    ios: { podspecPath: string } | null
    android: { sourceDir: string; packageImportPath: string; packageInstance: string; libraryName: string } | null
  }
}

/** What autolinking makes of the SDK; tools print warnings before it. */
export async function readLinked(directory: string, args: readonly string[], sdk: string): Promise<Linked | undefined> {
  const printed = await runNode(args, { cwd: directory, env: { CI: '1' } })
  const config = JSON.parse(printed.slice(printed.indexOf('{'))) as { dependencies: Record<string, Linked> }
  return config.dependencies[sdk]
}
