import { UnexpectedJsonError } from '../json-reader.ts'
import type { ContentArtifact } from './content-artifact.ts'

/** What a kind of content knows of statements. Everything else about them is the same for all kinds. */
export interface ContentReader<Content extends { kind: string }> {
  /**
   * @param artifacts of the statement, read and with names of their own
   * @throws UnexpectedJsonError
   */
  read(json: Record<string, unknown>, artifacts: readonly ContentArtifact[]): Content
  /** With its fields in the order that is signed. */
  write(content: Content): object
}

/** Of a kind that consists of artifacts with names of their own: exactly these, in this order. */
export function expectNamed(artifacts: readonly ContentArtifact[], names: readonly string[]): void {
  if (artifacts.length !== names.length) {
    const expected =
      names.length === 1 ? `one artifact, "${names[0]}"` : `${names.length} artifacts, ${names.join(', ')}`
    throw new UnexpectedJsonError('/artifacts', expected, artifacts)
  }
  for (const [index, { name }] of artifacts.entries()) {
    if (name !== names[index]) throw new UnexpectedJsonError(`/artifacts/${index}/name`, `"${names[index]}"`, name)
  }
}

/** What is signed and means nothing would be fetched by one reader and passed over by another. */
export function expectAllNamed(artifacts: readonly ContentArtifact[], names: readonly (string | undefined)[]): void {
  const isNamed = new Set(names)
  for (const [index, { name }] of artifacts.entries()) {
    if (!isNamed.has(name))
      throw new UnexpectedJsonError(`/artifacts/${index}/name`, 'one that the content names', name)
  }
}

/** The name of an artifact of the same statement. */
export function readArtifactName(value: unknown, pointer: string, artifacts: readonly ContentArtifact[]): string {
  if (artifacts.some(({ name }) => name === value)) return value as string
  throw new UnexpectedJsonError(pointer, 'the name of one of the artifacts', value)
}
