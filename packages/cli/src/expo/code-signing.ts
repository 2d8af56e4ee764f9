import { resolve } from 'node:path'
import { readPlainText } from '../files/read-plain-text.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'
import type { ExpoProject } from './expo-project.ts'
import { askExpo } from './run-expo.ts'

/** What an app's own configuration says of updates, the private part included. */
export interface ExpoUpdateSettings {
  /** Where updates come from. */
  url: string | undefined
  /** By which its clients verify what they are told; undefined: they verify nothing. */
  codeSigning: { certificatePath: string; keyId: string } | undefined
}

const ALGORITHM = 'rsa-v1_5-sha256'
const KEY_ID = /^[A-Za-z0-9._-]{1,64}$/

/** The public part of it has no certificate. */
export async function readUpdateSettings(context: CliContext, project: ExpoProject): Promise<ExpoUpdateSettings> {
  const { updates } = project.isPlain
    ? await readPlain(project.configPath)
    : await askExpo(context, project, ['expo', 'config', '--json'])
  const { url, codeSigningCertificate, codeSigningMetadata } = objectOf(updates)
  return {
    url: typeof url === 'string' ? url : undefined,
    codeSigning:
      typeof codeSigningCertificate === 'string'
        ? {
            certificatePath: resolve(project.directory, codeSigningCertificate),
            keyId: readKeyId(objectOf(codeSigningMetadata), project),
          }
        : undefined,
  }
}

async function readPlain(path: string): Promise<Record<string, unknown>> {
  try {
    const json = objectOf(JSON.parse(await readPlainText(path)))
    return objectOf(json.expo ?? json)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new CommandError('app-json-invalid', `${path} cannot be read: ${cause.message}.`, { cause })
  }
}

/** Clients call a key "root" that nobody has named. */
function readKeyId({ keyid = 'root', alg = ALGORITHM }: Record<string, unknown>, { configPath }: ExpoProject): string {
  if (alg !== ALGORITHM) {
    const found = JSON.stringify(alg)
    throw new UsageError(`Expected "${ALGORITHM}" as alg of codeSigningMetadata in ${configPath}, found ${found}.`)
  }
  if (typeof keyid === 'string' && KEY_ID.test(keyid)) return keyid
  const expected = 'a keyid of at most 64 letters, digits, ".", "_" and "-" in codeSigningMetadata'
  throw new UsageError(`Expected ${expected} of ${configPath}, found ${JSON.stringify(keyid)}.`)
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
