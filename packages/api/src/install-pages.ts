import { Type, type Static } from 'typebox'
import { ChannelName, OneOf, Timestamp } from './shared-schemas.ts'

/** `open`: whoever knows the address. `protected`: who knows the password, or has a link. */
export const InstallPageAccess = OneOf(['open', 'protected'], { description: 'Whom the page lets in' })

/** The page of a channel from which people install an app. */
export const InstallPage = Type.Object({
  channel: ChannelName,
  access: InstallPageAccess,
  hasPassword: Type.Boolean({ description: 'Without one, a protected page lets in who has a link' }),
  url: Type.String(),
  changedAt: Timestamp,
})
export type InstallPage = Static<typeof InstallPage>

export const NewInstallPage = Type.Object(
  {
    access: InstallPageAccess,
    password: Type.Optional(
      Type.String({ minLength: 8, maxLength: 200, description: 'Of a protected page; absent: that of before' }),
    ),
  },
  { additionalProperties: false },
)
export type NewInstallPage = Static<typeof NewInstallPage>

export const NewInstallLink = Type.Object(
  { expiresInHours: Type.Integer({ minimum: 1, maximum: 24 * 365 }) },
  { additionalProperties: false },
)
export type NewInstallLink = Static<typeof NewInstallLink>

/** Whoever has it is let in until then, or until the page is changed. */
export const InstallLink = Type.Object({ url: Type.String(), expiresAt: Timestamp })
export type InstallLink = Static<typeof InstallLink>

/** A version in the changelog that apps read. */
export const ChangelogEntry = Type.Object({
  version: Type.String(),
  publishedAt: Timestamp,
  notes: Type.String({ description: 'Markdown' }),
  notesHtml: Type.String({ description: 'The same as HTML, in which nothing runs and nothing is fetched' }),
})

/** What is in force for everyone on a channel, newest first. */
export const Changelog = Type.Object({
  app: Type.String(),
  channel: ChannelName,
  platforms: Type.Record(Type.String(), Type.Array(ChangelogEntry)),
})
export type Changelog = Static<typeof Changelog>
