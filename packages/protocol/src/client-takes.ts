import type { ContentKindName } from './content/release-content.ts'

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

export function takesPlain({ forms }: Pick<ClientTakes, 'forms'>): boolean {
  return forms.includes('plain')
}
