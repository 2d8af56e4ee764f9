import { takesBinary, type CatalogBinary, type TakenBinaries } from '@hotpatch/protocol'

/** Of the files that a client takes: in the format that it likes best, and for its processor rather than for all. */
export function pickBinary<File extends CatalogBinary>(files: readonly File[], taken: TakenBinaries): File | undefined {
  const { formats } = taken
  return files
    .filter((file) => takesBinary({ binaries: [file], version: '0.0.0' }, taken))
    .toSorted((a, b) => formats.indexOf(a.format) - formats.indexOf(b.format) || rank(a) - rank(b))[0]
}

function rank({ architecture }: CatalogBinary): number {
  return architecture === 'any' ? 1 : 0
}
