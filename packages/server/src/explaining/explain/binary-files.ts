import { isSemver, takenFormats, takesBinary, type CatalogBinary, type TakenBinaries } from '@hotpatch/protocol'

interface RefusedBinary {
  version: string
  binaries: readonly CatalogBinary[]
}

/** D11: what there is, and what the client takes of it. */
export function describeBinaries({ version, binaries }: RefusedBinary, takes: TakenBinaries): string {
  const found = binaries.map(
    ({ format, architecture, signatures = [] }) =>
      `${format} for ${architecture}${signatures.length > 0 ? ` (${signatures.map(({ scheme }) => scheme).join(', ')})` : ''}`,
  )
  const { architectures, scheme, versions } = takes
  const wanted = [
    takenFormats(takes, binaries[0]?.platform).join(' or '),
    ...(architectures ? [`for ${architectures.join(' or ')}`] : []),
    ...(scheme === undefined ? [] : [`signed by ${scheme}`]),
    ...(versions === 'semver' && !isSemver(version) ? ['of a version such as 1.2.0'] : []),
  ]
  return `is there as ${found.join(', ') || 'no file for this platform'}, and the client on the device takes ${wanted.join(' ')}.`
}

/** What would make it one that the client takes. */
export function mendBinaries(refused: RefusedBinary, takes: TakenBinaries, platform: string): string {
  const { version } = refused
  if (takes.versions === 'semver' && !isSemver(version)) {
    return 'Publish it under a version of three numbers, such as 1.2.0: the client reads no other.'
  }
  const { scheme, ...others } = takes
  if (scheme !== undefined && takesBinary(refused, others)) {
    return `Add the signature of ${scheme} to ${version} for ${platform}, by the management API: POST …/releases/{id}/signatures.`
  }
  return 'Publish a release under a new version that has a file as the client takes it.'
}
