import { resolve } from 'node:path'
import type { App } from '@hotpatch/api'
import type { Command } from 'commander'
import { withGroup } from '../arguments/shared-options.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { readUpdateSettings } from '../expo/code-signing.ts'
import { findExpoProject, type ExpoProject } from '../expo/expo-project.ts'
import type { Session } from '../session/session.ts'
import { ANSWER_KEY_VARIABLE, readAnswerKey, type AnswerKey } from './answer-key.ts'

export interface AnswerKeyOptions {
  privateKeyPath?: string
  certificateChain?: string
  /** False after `--no-code-signing`. */
  codeSigning?: boolean
}

/** Who signs what Expo's clients are told, and where these find their files. */
export interface AnswerSigner {
  key: AnswerKey
  assetsUrl(app: App): string
}

export function withAnswerKey(command: Command): Command {
  return withGroup(command, 'For Expo apps with a certificate:', (grouped) =>
    grouped
      .option(
        '--private-key-path <file>',
        `of the certificate; what ${ANSWER_KEY_VARIABLE} holds, privateKeyPath of hotpatch.json, or private-key.pem beside it when absent`,
      )
      .option(
        '--certificate-chain <file>',
        "where the apps' certificate has issued that of the key: this one first, and those between; certificate-chain.pem beside it when absent",
      )
      .option('--no-code-signing', 'signs nothing for them: they keep what they have'),
  )
}

/**
 * Undefined where the app here verifies nothing, or nobody is to sign.
 * @throws CommandError before anything is sent, when the key is not the one that the app is built for
 */
export async function chooseAnswerKey(
  session: Session,
  { privateKeyPath, certificateChain, codeSigning }: AnswerKeyOptions,
  found?: ExpoProject,
): Promise<AnswerSigner | undefined> {
  const { context, project, output, url } = session
  if (codeSigning === false) {
    if (privateKeyPath === undefined) return undefined
    throw new UsageError('Give --private-key-path or --no-code-signing, not both.')
  }
  const expo = found ?? (await findExpoProject(context.cwd, project?.directory ?? context.cwd))
  const settings = expo && (await readUpdateSettings(context, expo))
  if (!settings?.codeSigning) {
    if (privateKeyPath === undefined) return undefined
    const where = expo?.configPath ?? `an Expo app in ${context.cwd}`
    const advice = `Put it there: ${context.programName} expo configure --certificate certs/certificate.pem`
    throw new UsageError(
      `--private-key-path: expected codeSigningCertificate in ${where}, whose key it is; found none. ${advice}`,
    )
  }
  const usual = project?.defaults.privateKeyPath
  const key = await readAnswerKey(context, {
    ...settings.codeSigning,
    chainPath: certificateChain === undefined ? undefined : resolve(context.cwd, certificateChain),
    keyPath: privateKeyPath === undefined ? undefined : resolve(context.cwd, privateKeyPath),
    usualPath: usual === undefined || !project ? undefined : resolve(project.directory, usual),
  })
  for (const warning of key.warnings) output.notice(`! ${warning}`)
  return { key, assetsUrl: ({ slug }) => `${baseOf(settings.url) ?? url.replace(/\/+$/, '')}/expo/${slug}/assets` }
}

/**
 * Clients tell keys apart by their ids alone.
 * @throws CommandError key-unfit when the server has answers under this id that another key has signed
 */
export async function requireOwnKeyId({ api }: Session, app: App, { key }: AnswerSigner): Promise<void> {
  const { items } = await api.listSignedAnswers(app.id)
  const last = items.find(({ keyId }) => keyId === key.keyId)
  if (!last) return
  const { body, signature } = await api.getSignedAnswer(app.id, last.id)
  if (key.hasSigned(body, signature)) return
  const found = `another key has signed for ${app.slug} under the id "${key.keyId}", and apps with it hold another certificate than ${key.certificatePath}`
  throw new CommandError(
    'key-unfit',
    `Expected the key that signed before: ${found}. Sign with that one, or give this one an id of its own: keyid of codeSigningMetadata, in a new build of the app.`,
  )
}

/** As the app asks for its updates, so it asks for their files. */
function baseOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : /^(https?:\/\/.+)\/expo\/[^/]+\/manifest$/.exec(url)?.[1]
}
