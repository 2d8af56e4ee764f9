import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { OWNER_TOKEN_FILE } from './access/secret-files.ts'
import { createApp } from './app.ts'
import { readConfig } from './config.ts'
import { readEnvironment } from './env.ts'
import { NO_PUBLIC_URL } from './http/public-url.ts'
import { describeStartError } from './start-error.ts'

async function main(): Promise<void> {
  // Database, artifacts and secrets are for this user's eyes only.
  process.umask(0o077)
  const config = readConfig(readEnvironment())
  const app = await createApp({ config })
  const { host, port, publicUrl } = config.http
  try {
    await app.http.listen({ host, port })
  } catch (error) {
    // Else what it does in the background would keep a process alive that serves nobody.
    await app.close()
    throw error
  }

  const stop = () => {
    app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        app.http.log.fatal({ err: error }, 'the stop was not clean')
        process.exit(1)
      },
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)

  // PORT=0 takes a free one.
  const local = `http://localhost:${(app.http.server.address() as AddressInfo | null)?.port ?? port}`
  const lines = [`HotPatch listens on ${publicUrl ?? local}`]
  if (app.ownerToken !== undefined) {
    lines.push(
      `Owner token: ${app.ownerToken}`,
      `It is shown this once, and kept in ${join(config.dataDirectory, OWNER_TOKEN_FILE)}`,
      `Sign in:  npx hotpatch login --url ${publicUrl ?? local}`,
    )
  }
  lines.push(`API reference: ${publicUrl ?? local}/manage/v1/reference`)
  if (publicUrl === null) lines.push('', ...[NO_PUBLIC_URL.detail, NO_PUBLIC_URL.remedy].flatMap(wrapped))
  process.stdout.write(`\n${lines.map((line) => `  ${line}\n`).join('')}\n`)
}

/** For a terminal: lines of at most so many characters. */
function wrapped(text: string): string[] {
  return text.match(/.{1,100}(?:\s|$)/g)?.map((line) => line.trimEnd()) ?? [text]
}

try {
  await main()
} catch (error) {
  process.stderr.write(`HotPatch did not start. ${describeStartError(error)}\n`)
  process.exitCode = 1
}
