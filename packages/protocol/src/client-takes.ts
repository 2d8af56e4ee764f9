import type { ContentKindName } from './content/release-content.ts'
import type { Platform } from './platforms.ts'
import type { Requirement } from './requirement.ts'
import { parseSemver } from './versions/semver.ts'

/** Other bytes for the same release, encrypted for whoever has the key (Content §8.2). */
export interface Encryption {
  algorithm: string
  keyId: string
}

/** As it is, or encrypted: then of the key its id, or the beginning of that, as much as the client tells. */
export type TakenForm = 'plain' | Encryption

/** What a client can take, as its dialect knows it: D11 judges by it. */
export interface ClientTakes {
  kinds: readonly ContentKindName[]
  /** A release must be there in one of these. */
  forms: readonly TakenForm[]
  /** Whether it can be told to go back to what its binary shipped with. */
  embedded: boolean
  /** Of a whole binary one of its files must be so; absent: any file. */
  binaries?: TakenBinaries | undefined
  /** Of a kit one file of each component that it cannot do without must be so; absent: any files. */
  components?: TakenComponents | undefined
  /** Whether it takes what nobody has signed, of which it then judges no sequence; absent: unless it holds keys. */
  unsigned?: boolean | undefined
  /** Whether files have to be told to it one by one: then their list has to be in memory. */
  listed?: boolean | undefined
  /** Releases have to be what this tool makes; absent: whatever made them. */
  exports?: ExportTool | undefined
  /** Of builds whose ids are in the order of time, the first that it takes: that of its binary; absent: any. */
  buildsFrom?: string | undefined
  /** The key that has to have signed the very answer; absent: none. */
  answersSignedBy?: string | undefined
  /** What of a requirement the client judges itself, where it does not tell (D3). */
  judges?: readonly JudgedRequirement[] | undefined
}

/** Tools whose releases have clients of their own. */
export type ExportTool = 'expo' | 'hot-updater'

export type JudgedRequirement = Exclude<keyof Requirement, 'runtimeVersion'>

/** A file of a whole binary, for the platform of its catalog. */
export interface CatalogBinary {
  format: string
  architecture: string
  /** Absent, or `any`: of every system of its catalog. */
  platform?: Platform | undefined
  /** What else is signed of it (Signing §10); absent: nothing. */
  signatures?: readonly { scheme: string }[] | undefined
}

/** Of a kit, a component without which no machine takes it. */
export interface CatalogComponent {
  id: string
  /** For which it has files, on the platform of the catalog. */
  architectures: readonly string[]
}

export interface TakenComponents {
  /** By all names that they have; absent when the client does not tell its own. */
  architectures?: readonly string[] | undefined
}

export interface TakenBinaries {
  formats: readonly string[]
  /** Of files for these systems in the place of `formats`: what one installs from, another one may not. */
  formatsOf?: Partial<Readonly<Record<Platform, readonly string[]>>> | undefined
  /** In lower case, by all names that they have; absent when the client does not tell its own. */
  architectures?: readonly string[] | undefined
  /** That it has to be signed by. */
  scheme?: string | undefined
  /** Absent: any notation. A `v` before it counts for nothing. */
  versions?: 'semver' | undefined
}

/** What of a release is encrypted as a client takes it. */
export function findEncrypted<Encrypted extends Encryption>(
  encrypted: readonly Encrypted[],
  forms: readonly TakenForm[],
): Encrypted | undefined {
  return encrypted.find(({ algorithm, keyId }) =>
    forms.some((form) => form !== 'plain' && form.algorithm === algorithm && keyId.startsWith(form.keyId)),
  )
}

/** What the forms of a release are, as far as a client takes some of them and others not. */
export interface ReleaseForms {
  /** Beside what it is itself. */
  variants?: readonly Encryption[] | undefined
  /** What it is itself is encrypted for these keys; absent: it is not. */
  encryptedFor?: readonly Encryption[] | undefined
}

export type FormRefusal = 'form-not-taken' | 'encryption-not-taken' | 'decryption-key-not-held'

/** D11: why a client takes a release in none of its forms; undefined: it takes one. */
export function refusedForms(
  { variants = [], encryptedFor }: ReleaseForms,
  forms: readonly TakenForm[],
): FormRefusal | undefined {
  if (!encryptedFor) return forms.includes('plain') || findEncrypted(variants, forms) ? undefined : 'form-not-taken'
  if (findEncrypted([...encryptedFor, ...variants], forms)) return undefined
  const isTaken = forms.some((form) =>
    encryptedFor.some((each) => form !== 'plain' && form.algorithm === each.algorithm),
  )
  return isTaken ? 'decryption-key-not-held' : 'encryption-not-taken'
}

/** Whether one of the files is one that the client takes. */
export function takesBinary(
  { binaries, version }: { binaries: readonly CatalogBinary[]; version: string },
  { formats, formatsOf, architectures, scheme, versions }: TakenBinaries,
): boolean {
  if (versions === 'semver' && !isSemver(version)) return false
  return binaries.some(
    ({ platform, format, architecture, signatures }) =>
      takenFormats({ formats, formatsOf }, platform).includes(format) &&
      (architectures?.includes(architecture.toLowerCase()) ?? true) &&
      (scheme === undefined || signatures?.some((signature) => signature.scheme === scheme) === true),
  )
}

/** Kits §7.2: the first component of which there is no file for the client; undefined: it lacks none. */
export function lackingComponent(
  components: readonly CatalogComponent[],
  { architectures: own }: TakenComponents,
): CatalogComponent | undefined {
  return components.find(({ architectures }) => {
    if (architectures.length === 0) return true
    return !architectures.includes('any') && own !== undefined && !own.some((each) => architectures.includes(each))
  })
}

/** Of a file for that system. */
export function takenFormats(
  { formats, formatsOf }: Pick<TakenBinaries, 'formats' | 'formatsOf'>,
  platform: Platform | undefined,
): readonly string[] {
  return (platform && formatsOf?.[platform]) ?? formats
}

/** Such clients take a `v` before a version. */
export function isSemver(version: string): boolean {
  return parseSemver(version.replace(/^v/, '')) !== undefined
}

export function takesPlain({ forms }: Pick<ClientTakes, 'forms'>): boolean {
  return forms.includes('plain')
}
