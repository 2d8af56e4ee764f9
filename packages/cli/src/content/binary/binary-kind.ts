import { open, stat } from 'node:fs/promises'
import { BINARY_FORMATS, type NewBinaryFile, type ReadApplication, type ReleaseContent } from '@hotpatch/api'
import { statedBinary } from '@hotpatch/protocol'
import { given } from '../../arguments/given.ts'
import { CommandError, systemReason } from '../../errors/errors.ts'
import { formatBytes } from '../../output/text.ts'
import type { CollectedContent, ContentKind, InstallerFile } from '../content-kind.ts'
import { digestOfFile } from '../digest-of-file.ts'

export interface CollectedBinary extends CollectedContent {
  installers: readonly InstallerFile[]
  accept: readonly string[]
}

/** Whole apps: installers by platform, architecture and format, Content §5. */
export const binaryKind: ContentKind<CollectedBinary, null> = {
  name: 'binary',

  async recognise(input) {
    if (input.kind === 'installers') {
      return { isOfKind: true, as: 'whole app', because: 'apps are installed from such files' }
    }
    return {
      isOfKind: false,
      expected: 'files that apps are installed from, such as app.apk',
      found: `a ${input.kind}`,
      advice: 'Name them: binary publish app.apk.',
    }
  },

  async collect(_context, input) {
    if (input.kind !== 'installers') throw new Error('Nobody recognised an installer.')
    const here = input.files.filter(isHere)
    const files = await Promise.all(
      here.map(async ({ name, path }) => {
        const { size, mtimeMs } = await stat(path)
        return { name, path, sizeBytes: size, modifiedAtMs: mtimeMs }
      }),
    )
    const from = input.files.map((file) => (isHere(file) ? file.path : file.url)).join(', ')
    return { from, files, sourceMaps: [], isShareable: false, installers: input.files, accept: input.accept }
  },

  async check({ files }) {
    const findings = []
    for (const { name, path, sizeBytes } of files) {
      if (sizeBytes > 0 && (await isReadable(path))) continue
      const expected = 'a file that somebody can install from'
      findings.push({
        check: 'file',
        severity: 'error' as const,
        expected,
        found: `${name} is empty`,
        advice: 'Build it anew.',
      })
    }
    return { findings, facts: null }
  },

  async pack(_context, { installers, files: collected, accept }) {
    const files: NewBinaryFile[] = []
    const uploads = []
    for (const installer of installers) {
      const { name, platform, architecture, format, deltaFrom } = installer
      const common = { name, platform, architecture, format, ...given({ deltaFrom }) }
      if (!isHere(installer)) {
        const { sha256, sizeBytes, url } = installer
        files.push({ ...common, sha256, sizeBytes, url })
        continue
      }
      const { path } = installer
      const sha256 = await digestOfFile(path)
      const { size: sizeBytes, mtimeMs } = await stat(path)
      const before = collected.find((file) => file.path === path)
      if (before?.sizeBytes !== sizeBytes || before.modifiedAtMs !== mtimeMs) {
        throw new CommandError('bundle-changed', `${path} was written while it was read: wait for the build to end.`)
      }
      files.push({ ...common, sha256, sizeBytes })
      uploads.push({ kind: 'binary' as const, name, path, sha256, sizeBytes, contentType: 'application/octet-stream' })
    }
    const content = { kind: 'binary' as const, files, ...(accept.length > 0 && { accept: [...accept] }) }
    return { content, uploads }
  },

  stated({ content }) {
    if (content.kind !== 'binary') throw new Error('A binary is stated as one.')
    return statedBinary(content.files.map(({ platform = 'any', ...file }) => ({ ...file, platform })))
  },

  isSame: (published, { content }) => content.kind === 'binary' && filesOf(published) === filesOf(content),
  told: ({ installers }) => ({ applications: installers.flatMap(applicationOf) }),

  describe({ installers }, _facts, { content }) {
    const files = content.kind === 'binary' ? content.files : []
    const lines = files.map(({ name, architecture, format, deltaFrom, sizeBytes, sha256, url }) => {
      const where = url === undefined ? '' : `, at ${url}`
      const { endings } = BINARY_FORMATS[format]
      const from = deltaFrom === undefined ? '' : ` from ${deltaFrom}`
      return `${name}: ${endings[0]}${from} for ${architecture}, ${formatBytes(sizeBytes)}, SHA-256 ${sha256}${where}`
    })
    return {
      lines: { ...numbered('Files', lines), ...numbered('Application', applicationLines(installers)) },
      json: { content, entry: undefined },
    }
  },
}

/** As far as it is compared; of more certificates than that, nobody is told anything. */
function applicationOf({ name: file, application }: InstallerFile): ReadApplication[] {
  if (!application || application.certificates.length > 32 || application.architectures.length > 32) return []
  const { id, version, versionCode, build, architectures, certificates, teamId } = application
  return [{ file, id, version, architectures, certificates, ...given({ versionCode, build, teamId }) }]
}

/** One for each app that is in the files: mostly there is one. */
function applicationLines(installers: readonly InstallerFile[]): string[] {
  const lines = installers.flatMap(({ application }) => {
    if (!application) return []
    const { id, version, versionCode, build, architectures, certificates, minOsVersion } = application
    const own = versionCode === undefined ? build : `code ${versionCode}`
    const parts = [
      `${id} ${version}${own === undefined ? '' : ` (${own})`}`,
      ...(architectures.length > 0 ? [`code for ${architectures.join(', ')}`] : []),
      ...(minOsVersion === undefined ? [] : [`from ${minOsVersion} of the system on`]),
      ...(certificates[0] === undefined ? [] : [`signed by ${certificates[0]}`]),
    ]
    return [parts.join(', ')]
  })
  return [...new Set(lines)]
}

const numbered = (name: string, lines: readonly string[]) =>
  Object.fromEntries(lines.map((line, index) => [index === 0 ? name : `${name} ${index + 1}`, line]))

function isHere(file: InstallerFile): file is Extract<InstallerFile, { path: string }> {
  return 'path' in file
}

async function isReadable(path: string): Promise<boolean> {
  try {
    await (await open(path)).close()
    return true
  } catch (cause) {
    throw new CommandError('bundle-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

/** In one order, whoever lists them. */
function filesOf(content: ReleaseContent | { kind: 'binary'; files: readonly NewBinaryFile[] }): string {
  if (content.kind !== 'binary') return ''
  const named = content.files.map(
    ({ name, architecture, format, deltaFrom = '', sha256 }) =>
      `${name} ${architecture} ${format} ${deltaFrom} ${sha256}`,
  )
  return named.toSorted().join('\n')
}
