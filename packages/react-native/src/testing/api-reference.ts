import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'rolldown/parseAst'

/** Of what is exported: where people look first comes first. */
const PARTS: readonly (readonly [title: string, entry: string, names: readonly string[]])[] = [
  [
    'Updates',
    '@hotpatch/react-native',
    ['OTA', 'Ota', 'OtaOptions', 'UpdateOutcome', 'OtaStatus', 'OtaState', 'Progress'],
  ],
  [
    'What is told',
    '@hotpatch/react-native',
    [
      'OtaEvent',
      'OtaEventOf',
      'ReleaseName',
      'UpdateState',
      'Unavailable',
      'NativeStatus',
      'NativeOutcome',
      'NativeEvent',
      'NativeFailure',
    ],
  ],
  ['Mistakes', '@hotpatch/react-native', ['UpdateError', 'ConfigurationError']],
  [
    'React',
    '@hotpatch/react-native',
    ['OtaProvider', 'useOta', 'useUpdate', 'Update', 'useUpdateProgress', 'ConfirmWhenRendered', 'withUpdates'],
  ],
  [
    'Tests',
    '@hotpatch/react-native/testing',
    ['createTestApp', 'TestApp', 'createScriptedDevice', 'ScriptedDevice', 'ScriptedRelease'],
  ],
]

interface Node {
  type: string
  start: number
  end: number
  id?: { name?: string } | null
  body?: Node | Node[]
  declaration?: Node | null
  declarations?: Node[]
}

/** docs/reference/react-native.md, from the declarations in the source and their comments. */
export function writeApiReference(source: string): { markdown: string; names: string[] } {
  const declared = new Map<string, string>()
  for (const path of globSync('**/*.ts', { cwd: source }).toSorted()) {
    if (!/\.test\.ts$|^testing\//.test(path)) collect(readFileSync(join(source, path), 'utf8'), declared)
  }
  const sections = PARTS.map(([title, entry, names]) => {
    const items = names.map((name) => {
      const declaration = declared.get(name)
      if (!declaration) throw new Error(`there is no declaration of ${name} in ${source}`)
      return `### ${name}\n\n\`\`\`ts\n${declaration}\n\`\`\`\n`
    })
    return `## ${title}\n\nFrom \`${entry}\`.\n\n${items.join('\n')}`
  })
  return { markdown: `${HEAD}\n${sections.join('\n')}`, names: PARTS.flatMap(([, , names]) => names) }
}

const HEAD = `# API of the React Native SDK

Made from the source: \`npx vitest run packages/react-native/src/api-reference.test.ts -u\`. How it is used is in
[React Native in 20 minutes](../guides/react-native.md); what the native half takes is in the
[README](../../packages/react-native/README.md#what-the-binary-says).
`

function collect(text: string, declared: Map<string, string>): void {
  const visit = (nodes: readonly Node[]): void => {
    for (const node of nodes) {
      const declaration = node.declaration ?? node
      const name = declaration.id?.name ?? declaration.declarations?.[0]?.id?.name
      if (name && /^[a-z]*[A-Z]/.test(name) && !declared.has(name)) declared.set(name, print(text, node, declaration))
      // The parts for React are functions of a function.
      if (name === 'createReactParts' && declaration.body) visit((declaration.body as Node).body as Node[])
    }
  }
  visit(parseAst(text, { lang: 'ts' }).body as unknown as Node[])
}

/** Its comment, and what it promises: no bodies, no values. */
function print(text: string, node: Node, declaration: Node): string {
  const before = text.slice(0, node.start)
  const [comment = ''] = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.exec(before) ?? []
  const isFunction = declaration.type === 'FunctionDeclaration'
  const end = isFunction && declaration.body ? (declaration.body as Node).start : declaration.end
  const code = text.slice(declaration.start, end).trimEnd()
  const withoutBodies =
    declaration.type === 'ClassDeclaration' ? code.replace(/\n\n {2}constructor[\s\S]*$/, '\n}') : code
  const withoutValue = withoutBodies.replace(/^const (\w+): (\w+) = [\s\S]*$/, 'const $1: $2')
  return outdented(comment.trimEnd() + (comment ? '\n' : '') + withoutValue)
}

/** As if it stood at the margin. */
function outdented(text: string): string {
  const isInside = text
    .split('\n')
    .slice(1)
    .every((line) => !line || line.startsWith('  '))
  return isInside && !text.includes('\n}') ? text.replaceAll(/\n {2}/g, '\n') : text
}
