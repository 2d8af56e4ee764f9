import { Type, type Static } from 'typebox'
import { DisplayName } from './display-name.ts'
import { Role } from './access.ts'
import { Nullable, Timestamp } from './shared-schemas.ts'

const GroupName = Type.String({ minLength: 1, maxLength: 300 })

/** What members of a group of the issuer get, for as long as they are in it. */
export const GroupGrant = Type.Object({
  group: GroupName,
  role: Role,
  appId: Nullable(Type.String({ description: 'Null: every app' })),
})
export type GroupGrant = Static<typeof GroupGrant>

const Fields = {
  name: DisplayName(50, { description: 'Of the button: "Sign in with …"' }),
  issuer: Type.String({
    minLength: 1,
    maxLength: 500,
    description: 'Whose discovery is below it at /.well-known/openid-configuration',
  }),
  clientId: Type.String({ minLength: 1, maxLength: 300 }),
  scopes: Type.Array(Type.String({ pattern: '^[\\x21\\x23-\\x5B\\x5D-\\x7E]{1,100}$' }), { maxItems: 20 }),
  groupClaim: Type.String({
    minLength: 1,
    maxLength: 200,
    description:
      'What tells the groups, a list or one text, such as groups; with dots into objects, such as realm_access.roles',
  }),
  makesPeople: Type.Boolean({ description: 'Whoever comes with a group that gives something is made a person here' }),
  linksPeople: Type.Boolean({
    description: 'Whoever comes with the verified e-mail address of a person here is that person from then on',
  }),
  believesEmails: Type.Boolean({
    description: 'Every address that the issuer tells counts as verified: only where nobody can choose his own there',
  }),
  isOnlyWay: Type.Boolean({ description: 'Nobody but owners signs in by a password or a passkey any more' }),
  sessionHours: Type.Integer({
    minimum: 1,
    maximum: 720,
    description: 'After which somebody signs in again, and his groups are asked for anew',
  }),
}

/** The issuer of OpenID Connect at which people sign in. Its secret is never shown. */
export const SingleSignOn = Type.Object({
  ...Fields,
  hasClientSecret: Type.Boolean(),
  groups: Type.Array(GroupGrant),
  callbackUrl: Type.String({ description: 'What the issuer has to know as the redirect address' }),
  changedAt: Timestamp,
  changedBy: Type.String(),
})
export type SingleSignOn = Static<typeof SingleSignOn>

export const NewSingleSignOn = Type.Object(
  {
    name: Fields.name,
    issuer: Fields.issuer,
    clientId: Fields.clientId,
    clientSecret: Type.Optional(
      Nullable(
        Type.String({
          minLength: 1,
          maxLength: 1000,
          description: 'The one before when it is left out and the issuer stays; null: a client without one',
        }),
      ),
    ),
    scopes: Type.Optional(Fields.scopes),
    groupClaim: Type.Optional(Fields.groupClaim),
    groups: Type.Array(
      Type.Object(
        {
          group: GroupName,
          role: Role,
          app: Type.Optional(Type.String({ description: 'Id or slug; every app when it is left out' })),
        },
        { additionalProperties: false },
      ),
      { maxItems: 200 },
    ),
    makesPeople: Type.Optional(Fields.makesPeople),
    linksPeople: Type.Optional(Fields.linksPeople),
    believesEmails: Type.Optional(Fields.believesEmails),
    isOnlyWay: Type.Optional(Fields.isOnlyWay),
    sessionHours: Type.Optional(Fields.sessionHours),
  },
  { additionalProperties: false },
)
export type NewSingleSignOn = Static<typeof NewSingleSignOn>

/** What a page to sign in offers. */
export const SingleSignOnOffer = Type.Object({
  name: Nullable(Type.String({ description: 'Null: there is none' })),
  isOnlyWay: Type.Boolean(),
})
export type SingleSignOnOffer = Static<typeof SingleSignOnOffer>

/** Why somebody who came back from the issuer was not let in: in the address of the page to sign in. */
export const SIGN_ON_REFUSALS = [
  'not-offered',
  'expired',
  'denied',
  'issuer-failed',
  'no-email',
  'email-not-verified',
  'not-a-member',
  'email-taken',
  'disabled',
] as const
export type SignOnRefusal = (typeof SIGN_ON_REFUSALS)[number]

/** Where a browser goes to sign in; it comes back to this page of the console. */
export function singleSignOnAddress(returnTo: string): string {
  return `/manage/v1/single-sign-on/start?returnTo=${encodeURIComponent(returnTo)}`
}
