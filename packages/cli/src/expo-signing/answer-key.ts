import { createPrivateKey, sign, verify, X509Certificate, type KeyObject } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readPlainText } from '../files/read-plain-text.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'

/** By which a publisher signs what Expo's clients are told (Expo §11). The private half never leaves this object. */
export interface AnswerKey {
  /** As the clients are built to expect it. */
  keyId: string
  /** PEM: as the apps hold it, or, with a chain, the first of that. */
  certificate: string
  /** PEM, from the certificate on to one that the apps' own has issued; undefined: the apps hold the certificate. */
  chain: string | undefined
  certificatePath: string
  /** Where the private half is from. */
  from: string
  /** RSASSA-PKCS1-v1_5 with SHA-256, in base64. */
  sign(body: string): string
  hasSigned(body: string, signature: string): boolean
  /** What speaks against how it is kept. */
  warnings: readonly string[]
}

export interface AnswerKeyPlace {
  certificatePath: string
  keyId: string
  /** Of the private half, where the command line says so. */
  keyPath?: string | undefined
  /** Of it, where the project file says so. */
  usualPath?: string | undefined
  /** Of a chain, where the command line says so. */
  chainPath?: string | undefined
}

/** For machines without files of their own. */
export const ANSWER_KEY_VARIABLE = 'HOTPATCH_EXPO_PRIVATE_KEY'
/** What Expo's own tool calls it. */
const KEY_FILE = 'private-key.pem'
const CHAIN_FILE = 'certificate-chain.pem'
const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g
/** RFC 5280 §4.2.1.12. */
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
const MAX_CHARACTERS = 20_000
const ISSUE = 'Its certificates are in PEM, that of the key first, and without that of the apps.'
const MAKE = 'Make both: npx expo-updates codesigning:generate.'

/**
 * The private half: the file that was named, else what HOTPATCH_EXPO_PRIVATE_KEY holds, else the file that the project
 * file names, else private-key.pem beside the certificate.
 * @throws CommandError key-missing, key-unreadable or certificate-unfit, without a word of what is in the key
 */
export async function readAnswerKey(context: CliContext, place: AnswerKeyPlace): Promise<AnswerKey> {
  const { keyId } = place
  const { certificate, chain, path } = await readSigner(context, place)
  const { key, from, warnings } = await readPrivateKey(context, place)
  if (!certificate.checkPrivateKey(key)) {
    const message = `The private key in ${from} is not that of the certificate in ${path}, which ${chain === undefined ? 'apps are built with' : 'the chain begins with'}.`
    throw new CommandError('key-unfit', `${message} Name the one that was made with it: --private-key-path.`)
  }
  return {
    keyId,
    certificate: certificate.toString(),
    chain,
    certificatePath: path,
    from,
    warnings,
    sign: (body) => sign('sha256', Buffer.from(body), key).toString('base64'),
    hasSigned: (body, signature) =>
      verify('sha256', Buffer.from(body), certificate.publicKey, Buffer.from(signature, 'base64')),
  }
}

/** The certificate of the key, which is the apps' own, or one that this has issued. */
async function readSigner(context: CliContext, { certificatePath, chainPath }: AnswerKeyPlace) {
  const held = await readCertificate(certificatePath)
  const path = chainPath ?? join(dirname(certificatePath), CHAIN_FILE)
  if (chainPath === undefined && !(await isThere(path))) {
    return { certificate: requireFit(context, held, certificatePath), chain: undefined, path: certificatePath }
  }
  requireValid(context, held, certificatePath)
  const chain = readChain(context, await readFileAt(path, 'certificate chain'), {
    path,
    held,
    heldPath: certificatePath,
  })
  const [certificate] = chain
  if (!certificate) throw unfit(path, 'and those between it and that of the apps', 'none', ISSUE)
  return { certificate: requireFit(context, certificate, path), chain: chain.map(String).join(''), path }
}

/** Each has to be issued by the next, and the last by the certificate that the apps hold. */
function readChain(
  context: CliContext,
  text: string,
  { path, held, heldPath }: { path: string; held: X509Certificate; heldPath: string },
): X509Certificate[] {
  if (text.includes('PRIVATE KEY'))
    throw unfit(path, 'and those between it and that of the apps', 'a private key', ISSUE)
  const chain = (text.match(BLOCK) ?? []).flatMap((block) => parse(() => new X509Certificate(block)) ?? [])
  for (const [index, issued] of chain.entries()) {
    requireValid(context, issued, path)
    const issuer = chain[index + 1] ?? held
    // The apps' own may stand at the end of it.
    if (issued.raw.equals(held.raw)) continue
    if (issuer.ca && issued.checkIssued(issuer) && issued.verify(issuer.publicKey)) continue
    const by = chain[index + 1]
      ? 'the one behind it, an authority,'
      : `that in ${heldPath}, an authority, which apps are built with,`
    throw unfit(path, `number ${index + 1} of which ${by} has issued`, 'another issuer', ISSUE)
  }
  return chain
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function readCertificate(path: string): Promise<X509Certificate> {
  const text = await readFileAt(path, 'certificate')
  const certificate = text.includes('PRIVATE KEY') ? undefined : parse(() => new X509Certificate(text))
  if (!certificate) throw unfit(path, 'an X.509 certificate in PEM', 'something else', MAKE)
  return certificate
}

function requireFit(context: CliContext, certificate: X509Certificate, path: string): X509Certificate {
  const { publicKey, keyUsage } = certificate
  if (publicKey.asymmetricKeyType !== 'rsa') {
    throw unfit(path, 'one with an RSA key', `one of ${publicKey.asymmetricKeyType}`, MAKE)
  }
  if (!(keyUsage as readonly string[] | undefined)?.includes(CODE_SIGNING)) {
    throw unfit(path, 'one for code signing', 'one for something else', MAKE)
  }
  requireValid(context, certificate, path)
  return certificate
}

function requireValid(context: CliContext, { validFrom, validTo }: X509Certificate, path: string) {
  const now = context.now().getTime()
  if (now > Date.parse(validTo)) {
    const advice = `Apps that are built with it take nothing any more: make another one, and build the app with it. ${MAKE}`
    throw unfit(path, 'one that is valid now', `one that expired on ${validTo}`, advice)
  }
  if (now < Date.parse(validFrom)) {
    throw unfit(path, 'one that is valid now', `one that begins on ${validFrom}`, 'Look at the clock of this machine.')
  }
}

async function readPrivateKey(context: CliContext, { certificatePath, keyPath, usualPath }: AnswerKeyPlace) {
  const inEnvironment = context.env[ANSWER_KEY_VARIABLE]
  if (keyPath === undefined && inEnvironment !== undefined) {
    return { key: readKey(inEnvironment, ANSWER_KEY_VARIABLE), from: ANSWER_KEY_VARIABLE, warnings: [] }
  }
  const path = keyPath ?? usualPath ?? join(dirname(certificatePath), KEY_FILE)
  const key = readKey(await readFileAt(path, 'private key'), path)
  return { key, from: path, warnings: await modeWarnings(path) }
}

function readKey(pem: string, from: string): KeyObject {
  const key = pem.length > MAX_CHARACTERS ? undefined : parse(() => createPrivateKey(pem))
  if (key?.asymmetricKeyType === 'rsa') return key
  const expected = `Expected a private RSA key in PEM in ${from}, without a passphrase`
  throw new CommandError('key-unreadable', `${expected}; found ${key ? 'one of another kind' : 'none'}.`)
}

/** Expo's own tool writes it so that everybody may read it. Windows keeps no such modes. */
async function modeWarnings(path: string): Promise<string[]> {
  const mode = (await stat(path)).mode & 0o777
  if ((mode & 0o077) === 0 || process.platform === 'win32') return []
  const octal = mode.toString(8).padStart(4, '0')
  return [`${path} has mode ${octal}: others on this machine can read the private key. chmod 600 ${path}`]
}

async function readFileAt(path: string, what: string): Promise<string> {
  try {
    return await readPlainText(path)
  } catch (cause) {
    if (cause instanceof CommandError) throw cause
    if (!hasCode(cause, 'ENOENT')) {
      throw new CommandError('key-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
    }
    const advice =
      what === 'certificate'
        ? `codeSigningCertificate names it. ${MAKE}`
        : `Name it: --private-key-path FILE, or put the key itself into ${ANSWER_KEY_VARIABLE}. To publish for others alone: --no-code-signing.`
    throw new CommandError('key-missing', `Expected the ${what} in ${path}, found no such file. ${advice}`, { cause })
  }
}

/** Errors of the parser may quote what they could not read. */
function parse<Result>(read: () => Result): Result | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function unfit(path: string, expected: string, found: string, advice: string): CommandError {
  return new CommandError(
    'certificate-unfit',
    `Expected a certificate in ${path}, ${expected}; found ${found}. ${advice}`,
  )
}
