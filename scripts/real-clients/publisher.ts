import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createManagementClient, type PublishedRelease } from '../../packages/api/src/index.ts'
import { runCliProcess } from '../../packages/testkit/src/cli-process.ts'
import { publishForm } from '../../packages/testkit/src/publish-form.ts'
import type { ServerProcess } from '../../packages/testkit/src/server-process.ts'
import { zipOf } from '../../packages/testkit/src/zip-of.ts'

export type Files = Record<string, string>

/** Somebody who publishes, and has a folder for what only the command-line tool does. */
export async function createPublisher(server: Pick<ServerProcess, 'url' | 'ownerToken'>, folder: string) {
  const at = join(folder, 'project')
  await rm(at, { recursive: true, force: true })
  await mkdir(join(at, 'home'), { recursive: true })
  const env = { HOME: join(at, 'home'), HOTPATCH_TOKEN: server.ownerToken, HOTPATCH_URL: server.url }
  const api = createManagementClient({ url: server.url, token: server.ownerToken })

  async function say(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runCliProcess(args, { cwd: at, env })
    if (code !== 0) throw new Error(`hotpatch ${args.join(' ')} ended with ${code}:\n${stderr}`)
    return stdout
  }

  async function hotpatch<Answer>(...args: string[]): Promise<Answer> {
    return JSON.parse(await say(...args, '--yes', '--json')) as Answer
  }

  async function write(files: Files): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(at, path)), { recursive: true })
      await writeFile(join(at, path), text)
    }
  }

  return {
    /** The folder that the tool runs in. */
    project: at,
    api,
    hotpatch,
    /** As people are told. */
    say,
    write,
    async publish(app: string, version: string, files: Files, more: object = {}): Promise<PublishedRelease> {
      const metadata = { platform: 'android', channel: 'production', version, ...more }
      const headers = { authorization: `Bearer ${server.ownerToken}` }
      const address = `${server.url}/manage/v1/apps/${app}/releases`
      const body = publishForm(metadata, await zipOf(files))
      const answer = await fetch(address, { method: 'POST', headers, body })
      if (answer.status !== 201) throw new Error(`not published: ${await answer.text()}`)
      return (await answer.json()) as PublishedRelease
    },
    /** Each file is signed, too, where its list is among them. */
    async publishSigned(app: string, version: string, files: Files, rsaKey: string): Promise<PublishedRelease> {
      await rm(join(at, 'www'), { recursive: true, force: true })
      await write(Object.fromEntries(Object.entries(files).map(([path, text]) => [`www/${path}`, text])))
      const what = ['--app', app, '--platform', 'android', '--version', version, '--bundle-dir', 'www', '--no-sign']
      return hotpatch<PublishedRelease>('release', ...what, '--rsa-key', rsaKey)
    },
  }
}
