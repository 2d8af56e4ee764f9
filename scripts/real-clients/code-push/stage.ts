import { execFile } from 'node:child_process'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { attempt } from '../attempt.ts'

/** The last of CodePush's tools that npm has and that speaks with servers of its own protocol. */
export const TOOL = 'code-push-cli@2.1.9'

/** As they are published. `esbuild` does what Metro does for an app. */
const PACKAGES = [
  'code-push@4.2.3',
  'react-native-code-push@9.0.1',
  '@code-push-next/react-native-code-push@10.4.2',
  '@revopush/react-native-code-push@1.6.0',
  TOOL,
  'esbuild@0.25.12',
]
export const PLUGINS = [
  'react-native-code-push',
  '@code-push-next/react-native-code-push',
  '@revopush/react-native-code-push',
] as const

const SDK = 'code-push/script/acquisition-sdk'
const TOOL_SCRIPT = 'code-push-cli/script/cli.js'
const TOOL_HASHES = 'code-push-cli/script/hash-utils'
const STUB = fileURLToPath(new URL('react-native.cjs', import.meta.url))
const exec = promisify(execFile)

/** The part of the SDK that asks a server and reports to it. */
export interface AcquisitionModule {
  AcquisitionManager: new (requester: Requester, configuration: object) => Acquisition
}
export interface PackageSigning {
  generatePackageHashFromDirectory(directory: string, above: string): PromiseLike<string>
  /** @throws when it is not what the key has signed */
  verify(token: string, publicKey: string, options: { algorithms: string[] }): { contentHash?: string }
}
export interface Requester {
  request(verb: number, url: string, body: unknown, callback?: unknown): void
}
type Done<Value> = (error: Error | null, value: Value) => void
export interface Acquisition {
  queryUpdateWithCurrentPackage(current: object, callback: Done<Record<string, unknown> | null>): void
  reportStatusDeploy(
    deployed: object | null,
    status: string | null,
    previousLabel: string | null,
    previousKey: string | null,
    callback: Done<unknown>,
  ): void
  reportStatusDownload(downloaded: object, callback: Done<unknown>): void
}

/** @throws MissingTool when they cannot be had */
export async function stage(folder: string) {
  await mkdir(folder, { recursive: true })
  const isThere = await access(join(folder, 'node_modules/code-push-cli')).then(
    () => true,
    () => false,
  )
  if (!isThere) {
    await writeFile(join(folder, 'package.json'), '{ "private": true }')
    const install = ['install', ...PACKAGES, '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund']
    await attempt('The packages of the clients', exec('npm', [...install, '--silent'], { cwd: folder }))
  }
  const require = createRequire(join(folder, 'package.json'))
  return {
    sdk: require(SDK) as AcquisitionModule,
    tool: require.resolve(TOOL_SCRIPT),
    /** By which the tool signs packages. */
    signing: {
      ...(require(TOOL_HASHES) as Pick<PackageSigning, 'generatePackageHashFromDirectory'>),
      ...(createRequire(require.resolve(TOOL_SCRIPT))('jsonwebtoken') as Pick<PackageSigning, 'verify'>),
    },
    /** @returns the file with the JavaScript half of a plugin, for each start of an app to load anew */
    async bundle(plugin: (typeof PLUGINS)[number]): Promise<string> {
      const outfile = join(folder, `${plugin.replace('/', '-')}.cjs`)
      const entry = join(folder, 'node_modules', plugin, 'CodePush.js')
      await exec(join(folder, 'node_modules/.bin/esbuild'), [
        entry,
        '--bundle',
        '--format=cjs',
        '--platform=node',
        '--loader:.js=jsx',
        `--alias:react-native=${STUB}`,
        '--external:react',
        '--log-level=error',
        `--outfile=${outfile}`,
      ])
      return outfile
    },
  }
}
