import { pageOf, PublishedRelease, Release, ReleaseContent, type Page } from '@hotpatch/api'
import { Type, type Static } from 'typebox'

const { content: _release, ...ofRelease } = Release.properties
const { content: _published, ...ofPublished } = PublishedRelease.properties
const { kind: _kind, ...ofZip } = ReleaseContent.anyOf[0].properties

/** React Native §6: of the contract, a release is one zip, whose fields are its own. */
export const ContractRelease = Type.Object({ ...ofRelease, ...ofZip })
export type ContractRelease = Static<typeof ContractRelease>

export const ContractPublished = Type.Object({ id: Type.String(), ...ofPublished, ...ofZip })
export type ContractPublished = Static<typeof ContractPublished>

export const ContractReleasePage = pageOf(ContractRelease)

export function flattenRelease({ content: { kind: _, ...zip }, ...release }: Release): ContractRelease {
  return { ...release, ...zip }
}

export function flattenPublished({ content: { kind: _, ...zip }, ...published }: PublishedRelease): ContractPublished {
  return { id: published.releaseId, ...published, ...zip }
}

export function flattenPage({ items, ...page }: Page<Release>): Page<ContractRelease> {
  return { ...page, items: items.map(flattenRelease) }
}
