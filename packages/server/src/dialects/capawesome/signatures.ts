import type { OfferedRelease } from '../../updates/catalog-queries.ts'

/** Signing §10: over the bytes with the digest `subject`, as the plugin checks it when it has a key. */
export function signatureOf({ signatures }: OfferedRelease, subject: string): string | undefined {
  return signatures?.find((each) => each.scheme === 'rsa-sha256' && each.subject === subject)?.value
}
