import { applyEdits, findNodeAtLocation, modify, parseTree, type ParseError } from 'jsonc-parser'
import { SettingsError } from './settings-error.ts'

/**
 * Kits §3.7: settings of a JSON file have these values; comments, the order and everything else stay.
 * @throws SettingsError where it is no JSON, or has something else than a text there
 */
export function editJson(text: string, settings: Readonly<Record<string, string>>): string {
  let edited = text.trim() === '' ? '{}\n' : text
  for (const [name, value] of Object.entries(settings)) edited = editOne(edited, name, value)
  return edited
}

function editOne(text: string, name: string, value: string): string {
  const errors: ParseError[] = []
  const tree = parseTree(text, errors, { allowTrailingComma: true })
  if (!tree || errors.length > 0) throw new SettingsError('it is not JSON')
  const path = name.split('.')
  for (const [index, key] of path.entries()) {
    const node = findNodeAtLocation(tree, path.slice(0, index))
    const named = node?.children?.filter(({ children }) => children?.[0]?.value === key) ?? []
    // Readers differ in which of them counts.
    if (named.length > 1) throw new SettingsError(`${path.slice(0, index + 1).join('.')} is there twice`)
    if (node && node.type !== 'object')
      throw new SettingsError(`${path.slice(0, index).join('.') || 'the whole'} is no object`)
  }
  const found = findNodeAtLocation(tree, path)
  if (found && found.type !== 'string') throw new SettingsError(`${name} is no text, which a repair would make it`)
  if (found?.value === value) return text
  return applyEdits(text, modify(text, path, value, { formattingOptions: formattingOf(text) }))
}

function formattingOf(text: string) {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  '
  return {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 1 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  }
}
