import { CODE_SENTENCES } from '@hotpatch/api'

/** The code as a program knows it, and what it means; one that no client of ours reports is left as it is. */
export function describeCode(code: string | null): string | null {
  if (code === null || !Object.hasOwn(CODE_SENTENCES, code)) return code
  return `${code}: ${CODE_SENTENCES[code as keyof typeof CODE_SENTENCES]}`
}
