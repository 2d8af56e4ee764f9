/** Answers that differ for one release: by what the client takes and by the request's host, which anyone can make up. */
const MAX_VARIANTS = 32

/** Texts of lists of files are long. */
const MAX_CHARACTERS = 8_000_000

interface Remembered {
  texts: Map<string, string>
  characters: number
}

/** Remembers the texts of answers for whatever they are of and each variant, as most devices get the same ones. */
export function rememberAnswers() {
  const written = new WeakMap<object, Remembered>()

  /**
   * @param subject what answers are of: once it is gone, so are they
   * @param variant by which answers of one subject differ
   */
  return function remember(subject: object, variant: string, write: () => string): string {
    const found = written.get(subject)
    const known = found?.texts.get(variant)
    if (known !== undefined) return known
    const text = write()
    const hasRoom = found && found.texts.size < MAX_VARIANTS && found.characters + text.length <= MAX_CHARACTERS
    const remembered = hasRoom ? found : { texts: new Map<string, string>(), characters: 0 }
    remembered.texts.set(variant, text)
    remembered.characters += text.length
    written.set(subject, remembered)
    return text
  }
}
