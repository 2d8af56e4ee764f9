import { SettingsError } from './settings-error.ts'

interface EnvLine {
  text: string
  /** Of a line that sets something: what comes before the value, and the name. */
  setting?: { name: string; head: string }
}

const SETTING = /^(\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*)(.*)$/
const PLAIN = /^[A-Za-z0-9_./:@%+,=-]*$/

/**
 * Kits §3.7: settings of an environment file have these values; comments, the order and everything else stay. What is set
 * twice gets it twice, as readers differ in which one counts.
 * @throws SettingsError
 */
export function editEnv(text: string, settings: Readonly<Record<string, string>>): string {
  // The end of a line to some readers, and a part of it to others.
  if (/\r(?!\n)/.test(text)) throw new SettingsError('a carriage return stands alone')
  const ending = text.includes('\r\n') ? '\r\n' : '\n'
  const lines = readLines(text)
  let edited = lines
  for (const [name, value] of Object.entries(settings)) {
    const written = quote(name, value)
    const isThere = edited.some(({ setting }) => setting?.name === name)
    expectOwnLine(edited, name)
    edited = isThere
      ? edited.map((line) => (line.setting?.name === name ? { ...line, text: line.setting.head + written } : line))
      : addLine(edited, { text: `${name}=${written}`, setting: { name, head: `${name}=` } })
  }
  return edited.map((line) => line.text).join(ending)
}

/** A line that ends in a backslash goes on in the next one to some readers, and to others it does not. */
function expectOwnLine(lines: readonly EnvLine[], name: string): void {
  const isOpen = lines.some(({ text, setting }, index) => {
    const isNext = lines[index + 1]?.setting?.name === name
    return (setting?.name === name || isNext) && /(?<!\\)(?:\\\\)*\\$/.test(text)
  })
  if (isOpen) throw new SettingsError(`the line of ${name}, or the one before it, ends in a backslash`)
}

/** Before the empty line that the last line ending makes. */
function addLine(lines: readonly EnvLine[], line: EnvLine): EnvLine[] {
  const last = lines.at(-1)
  return last?.text === '' ? [...lines.slice(0, -1), line, last] : [...lines, line, { text: '' }]
}

/** A value in quotes may go over several lines, in which nothing is set. */
function readLines(text: string): EnvLine[] {
  const lines: EnvLine[] = []
  let open: { line: EnvLine; quote: string } | undefined
  for (const raw of text.split(/\r?\n/)) {
    if (open) {
      open.line.text += `\n${raw}`
      if (closes(raw, open.quote)) open = undefined
      continue
    }
    const [, head = '', name, value = ''] = SETTING.exec(raw) ?? []
    const line: EnvLine = { text: raw, ...(name !== undefined && { setting: { name, head } }) }
    lines.push(line)
    const quote = value[0]
    if (name !== undefined && (quote === '"' || quote === "'") && !closes(value.slice(1), quote)) open = { line, quote }
  }
  if (open) throw new SettingsError('a quoted value has no end')
  return lines
}

function closes(text: string, quote: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\' && quote === '"') at += 1
    else if (text[at] === quote) return true
  }
  return false
}

/** So that shells, systemd and dotenv read the same. */
function quote(name: string, value: string): string {
  if (PLAIN.test(value)) return value
  if (!/["\\$`]/.test(value)) return `"${value}"`
  if (!value.includes("'")) return `'${value}'`
  throw new SettingsError(
    `the value of ${name} has quotes of both kinds, which readers of such files understand differently`,
  )
}
