import { Type, type Static } from 'typebox'
import { ArchiveContent } from './archive.ts'

/** What a release is made of, by its kind. Holds those that servers take and serve (Content §1). */
export const ReleaseContent = Type.Union([ArchiveContent])
export type ReleaseContent = Static<typeof ReleaseContent>
