/** Answers that differ for one rollout: by what was decided and by the request's host, which anyone can make up. */
const MAX_VARIANTS = 32

/** Remembers the texts of answers for each rollout and variant, as most devices get the same ones. */
export function rememberAnswers() {
  const written = new WeakMap<object, Map<string, string>>()

  /** @param variant by which answers of one rollout differ */
  return function remember(rollout: object, variant: string, write: () => string): string {
    let variants = written.get(rollout)
    if (!variants) written.set(rollout, (variants = new Map()))
    const known = variants.get(variant)
    if (known !== undefined) return known
    if (variants.size >= MAX_VARIANTS) variants.clear()
    const text = write()
    variants.set(variant, text)
    return text
  }
}
