import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readEntry, readNativeVersion, readNewVersion } from '../arguments/readers.ts'
import { withJson, type JsonOptions, type KeyOptions } from '../arguments/shared-options.ts'
import { readBundleVersions, writeBundleFolder } from '../content/bundle-folder.ts'
import { UsageError } from '../errors/errors.ts'
import { createOutput } from '../output/output.ts'
import type { CliContext } from '../process/context.ts'
import { describeFinding, readForced, requireSound } from '../release/findings.ts'
import { findOwnKey } from '../signing/choose-key.ts'
import { signDigest } from '../signing/sign-statement.ts'

interface BundleOptions extends JsonOptions, Pick<KeyOptions, 'key' | 'sign'> {
  out: string
  version?: string
  minNative?: string
  entry?: string
  sourceMaps?: boolean
  force?: string[]
}

export function addBundleCommand(program: Command, context: CliContext) {
  withJson(program.command('bundle'))
    .description('packs a built web app for a server image that serves it to its own apps')
    .argument('<folder>', 'what the build wrote, such as dist')
    .requiredOption('--out <folder>', 'where bundle.zip, its checksum and its version are to be')
    .option('--version <version>', "of the bundle; the project's in package.json when absent", readNewVersion)
    .option(
      '--min-native <version>',
      'lowest version of the app; what MIN_NATIVE_VERSION says when absent',
      readNativeVersion,
    )
    .option('--entry <file>', 'what it starts with; index.html when absent', readEntry)
    .option(
      '--key <file>',
      'signs its checksum; ~/.rn-ota/signing_key.pem, if there is one, when absent; - reads stdin',
    )
    .option('--no-sign', 'do not sign')
    .option('--source-maps', 'pack source maps, too; they hold the sources')
    .option('--force <checks>', 'pack although these checks object, such as secret', readForced)
    .action((folder: string, options: BundleOptions) => bundle(context, folder, options))
}

async function bundle(context: CliContext, folder: string, options: BundleOptions) {
  const { out, version, minNative, entry, sourceMaps = false, force = [], sign, key: keyOption } = options
  if (sign === false && keyOption !== undefined) throw new UsageError('Give --key or --no-sign, not both.')
  const output = createOutput(context, options.json ?? false)
  const directory = resolve(context.cwd, folder)
  const versions = await readBundleVersions(directory, { version, minNative })
  const key = sign === false ? undefined : await findOwnKey(context, keyOption)
  const wish = {
    ...versions,
    directory,
    out: resolve(context.cwd, out),
    entry,
    withSourceMaps: sourceMaps,
    ...(key && { sign: (sha256: string) => signDigest(key, sha256) }),
  }
  const made = await writeBundleFolder(context, wish, (findings) => {
    for (const finding of requireSound(findings, force, 'packed')) output.notice(`! ${describeFinding(finding)}`)
  })
  if (made.sourceMaps.length > 0 && !sourceMaps) output.notice(`Left out: ${made.sourceMaps.length} source maps.`)
  const { files, sourceMaps: _, ...shown } = made
  const result = { ...shown, fileCount: files.length, signedBy: key?.fingerprint ?? null }
  output.result({ ...result, files }, () => output.fields(result))
}
