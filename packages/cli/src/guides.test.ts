import { globSync, readdirSync, readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { CommanderError, type Command } from 'commander'
import { expect, test } from 'vitest'
import { completeContext } from './process/context.ts'
import { createProgram } from './program.ts'

const ROOT = new URL('../../../', import.meta.url)
const GUIDES = new URL('docs/guides/', ROOT)
const EXAMPLES = ['react-native', 'kit'].map((name) => new URL(`examples/${name}/README.md`, ROOT))
const FILES = [new URL('README.md', ROOT), ...EXAMPLES, ...readdirSync(GUIDES).map((name) => new URL(name, GUIDES))]
const CONSOLE = new URL('packages/dashboard/src/', ROOT)
const WORD = /"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"']+/g
/** What the shell does with the rest of a line: pipes, files, comments. */
const END = /^(?:\||[<>]|#|&&)/

/** A sentence may name a command without all that it needs. */
const BRIEF = ['commander.missingArgument', 'commander.missingMandatoryOptionValue']

/** What stands in sources for what the page knows. */
const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/\$\{[^}]*url[^}]*\}/gi, 'https://updates.example.com'],
  [/\$\{[^}]*version[^}]*\}/gi, '1.2.0'],
  [/\$\{[^}]*platform[^}]*\}/gi, 'android'],
  [/\$\{[^}]*\}/g, 'something'],
]

/** Guides tell of commands that exist, with options that exist, whose values can be read. */
test.each(commandsOf(FILES))('%s: %s', (_, line) => expectToBeRead(line))

/** So do the pages of the console, for people to copy. */
test.each(commandsOfConsole())('%s: %s', (_, line) => expectToBeRead(line))

async function expectToBeRead(line: string): Promise<void> {
  const stderr = new PassThrough()
  const context = completeContext({ env: {}, cwd: '/', stdout: new PassThrough(), stderr })
  const program = createProgram(context)
  doNothing(program)
  const complaint = await program.parseAsync(wordsOf(line), { from: 'user' }).catch((error: unknown) => error)
  expect([program, ...BRIEF], line).toContain(complaint instanceof CommanderError ? complaint.code : complaint)
}

/** Lines of shell examples, and commands within sentences that are whole. */
function commandsOf(files: readonly URL[]): [file: string, line: string][] {
  return files.flatMap((file) => {
    const text = readFileSync(file, 'utf8')
    const examples = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, code = '']) =>
      code.replaceAll(/\\\n\s*/g, '').split('\n'),
    )
    const inline = [...text.matchAll(/`(hotpatch [^`]*)`/g)].map(([, line = '']) => line)
    const lines = [...examples, ...inline]
      .map((line) => line.replace(/^npx /, ''))
      .filter((line) => line.startsWith('hotpatch ') && !line.includes('…') && !line.includes('<public key>'))
    return [...new Set(lines)].map((line): [string, string] => [file.pathname.split('/').at(-1) ?? '', line])
  })
}

function commandsOfConsole(): [file: string, line: string][] {
  return globSync('**/*.{ts,tsx}', { cwd: CONSOLE }).flatMap((path) => {
    const source = readFileSync(new URL(path, CONSOLE), 'utf8')
    const texts = [...source.matchAll(/(`|'|\\n)npx (hotpatch (?:(?!\1|\\n|`).)*)/g)]
    return texts.map(([, , line = '']): [string, string] => [
      path,
      KNOWN.reduce((text, [pattern, value]) => text.replaceAll(pattern, value), line),
    ])
  })
}

/** Without the program's own name. */
function wordsOf(line: string): string[] {
  const words = line.replaceAll(/<[^>]+>/g, 'something').match(WORD) ?? []
  const end = words.findIndex((word) => END.test(word))
  return words.slice(1, end === -1 ? undefined : end).map((word) => word.replaceAll(/^["']|["']$/g, ''))
}

/** Commands read their options, and go no further. */
function doNothing(command: Command): void {
  if (command.commands.length === 0) command.action(() => undefined)
  else command.commands.forEach(doNothing)
}
