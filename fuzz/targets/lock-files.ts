import { LOCK_FORMATS } from '../../packages/cli/src/native/lock-files.ts'
import { Broken, type Target } from '../engine/target.ts'
import { forEachReader, readerFor, textOf } from '../reading/texts.ts'

const PROJECTS = ['', 'apps/mobile'] as const
const NAMES = ['@capacitor/core', 'left-pad', '__proto__', 'constructor'] as const
const WANTED = new Map(NAMES.map((name) => [name, '^1.0.0']))

export const target: Target = {
  reads: 'lock files of npm, pnpm, yarn and bun',
  maxBytes: 2_000,
  words: [
    '&a',
    '*a',
    '<<:',
    '!!js/function',
    '{[',
    '"@capacitor/core@npm:^1.0.0":',
    'importers:',
    "lockfileVersion: '9.0'",
  ],
  read(input) {
    const [{ read }, bytes] = readerFor(LOCK_FORMATS, input)
    const text = textOf(bytes)
    for (const project of PROJECTS) {
      const versionOf = read(text, project, WANTED)
      for (const name of NAMES) {
        const version: unknown = versionOf(name)
        if (version !== undefined && typeof version !== 'string') throw new Broken('a version that is no text')
      }
    }
  },
  // Whoever asks says of all of them that the file is not as its package manager writes it.
  refuses: (error) =>
    error instanceof SyntaxError ||
    (error instanceof Error && (error.name === 'YAMLParseError' || error.constructor === Error)) ||
    (error instanceof ReferenceError && error.message.startsWith('Alias resolution')),
}

export function seeds() {
  return forEachReader(LOCK_FORMATS.length, [
    '{"lockfileVersion":3,"packages":{"":{},"node_modules/left-pad":{"version":"1.3.0"},"apps/mobile/node_modules/left-pad":{"version":"1.2.0"}}}',
    '{"lockfileVersion":1,"dependencies":{"@capacitor/core":{"version":"7.0.0"}}}',
    "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      left-pad:\n        specifier: ^1.0.0\n        version: 1.3.0(react@19.0.0)\n  apps/mobile:\n    dependencies:\n      left-pad: 1.2.0_react\n",
    '# yarn lockfile v1\n\n"@capacitor/core@^1.0.0", left-pad@^1.0.0:\n  version "1.4.0"\n  resolved "https://example.com"\n',
    '__metadata:\n  version: 8\n\n"left-pad@npm:^1.0.0, left-pad@npm:^1.1.0":\n  version: 1.3.0\n  resolution: "left-pad@npm:1.3.0"\n',
    '{\n  "lockfileVersion": 1,\n  "packages": {\n    "left-pad": ["left-pad@1.3.0", "", {}, "sha512"],\n    "mobile/left-pad": ["left-pad@1.2.0"],\n  },\n}\n',
  ])
}
