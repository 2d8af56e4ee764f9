import { ArchiveContent, pageOf, PublishedRelease, Release, type OfArchive, type Page } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'

const { content: _release, versionCode: _versionCode, inForce: _inForce, ...ofRelease } = Release.properties
const { content: _published, ...ofPublished } = PublishedRelease.properties
const { kind: _kind, ...ofZip } = ArchiveContent.properties

/** React Native §6: of the contract, a release is one zip, whose fields are its own. */
export const ContractRelease = Type.Object({ ...ofRelease, ...ofZip })
export type ContractRelease = Static<typeof ContractRelease>

export const ContractPublished = Type.Object({ id: Type.String(), ...ofPublished, ...ofZip })
export type ContractPublished = Static<typeof ContractPublished>

export const ContractReleasePage = pageOf(ContractRelease)

/** @throws problem release-not-found of what is no zip: the contract has no other releases */
export function flattenRelease(found: Release): ContractRelease {
  const { content, versionCode: _code, inForce: _places, ...release } = requireArchive(found, found.id)
  const { kind: _kind, ...zip } = content
  return { ...release, ...zip }
}

export function flattenPublished(found: PublishedRelease): ContractPublished {
  const { content, ...published } = requireArchive(found, found.releaseId)
  const { kind: _, ...zip } = content
  return { id: published.releaseId, ...published, ...zip }
}

function requireArchive<Described extends Pick<Release, 'content'>>(
  found: Described,
  id: string,
): OfArchive<Described> {
  const { content } = found
  if (content.kind === 'archive') return { ...found, content }
  throw problem('release-not-found', `The release ${id} is no bundle, but a ${content.kind}.`)
}

export function flattenPage({ items, ...page }: Page<Release>): Page<ContractRelease> {
  return { ...page, items: items.map(flattenRelease) }
}
