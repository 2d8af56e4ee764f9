/** Whether no character is only half there: as UTF-8 all halves are the same, and databases refuse them. */
export function isWellFormed(text: string): boolean {
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    if (point >= 0xd800 && point <= 0xdfff) return false
  }
  return true
}
