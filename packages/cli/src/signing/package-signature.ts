import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { withGroup } from '../arguments/shared-options.ts'
import { readRsaKey, type RsaKey } from './rsa-key.ts'

export interface CodePushKeyOptions {
  codePushKey?: string
}

export function withCodePushKey(command: Command): Command {
  return withGroup(command, "For the plugins' own protocols:", (grouped) =>
    grouped.option(
      '--code-push-key <file>',
      "signs it for CodePush's plugins, whose binary has the public half as CodePushPublicKey",
    ),
  )
}

/** @throws CommandError key-missing or key-unreadable */
export async function chooseCodePushKey({ codePushKey }: CodePushKeyOptions, cwd: string): Promise<RsaKey | undefined> {
  return codePushKey === undefined ? undefined : readRsaKey(resolve(cwd, codePushKey))
}

/**
 * Code Push §5: a JWT over the hash of the files, as CodePush's own tool makes it, but without a time: the same files
 * always have the same signature.
 * @param text of the package's files, of which it is the SHA-256 that is signed
 */
export function signPackage(key: RsaKey, text: string): string {
  const claims = { claimVersion: '1.0.0', contentHash: createHash('sha256').update(text).digest('hex') }
  const said = [{ alg: 'RS256', typ: 'JWT' }, claims].map((part) => base64url(JSON.stringify(part))).join('.')
  return `${said}.${base64url(key.signText(said))}`
}

const base64url = (bytes: string | Buffer) => Buffer.from(bytes).toString('base64url')
