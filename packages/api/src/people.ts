import { Type, type Static } from 'typebox'
import { DisplayName } from './display-name.ts'
import { Role } from './access.ts'
import { Id, Nullable, OneOf, PageQuery, Timestamp } from './shared-schemas.ts'

export const Email = Type.String({ format: 'email', maxLength: 254 })
export const PersonName = DisplayName()
/** Of a new one. What is shorter can be guessed; what is longer is nobody's. */
export const NewPassword = Type.String({ minLength: 10, maxLength: 128 })
/** One that somebody claims to have. */
const GivenPassword = Type.String({ minLength: 1, maxLength: 128 })
/** The part of a one-time link behind the "#": browsers send it to nobody. */
const LinkSecret = Type.String({ minLength: 20, maxLength: 100, pattern: '^[\\w-]+$' })
const TotpCode = Type.String({ pattern: '^\\d{6}$', description: 'What the authenticator app shows now' })

/** A role over everything, or for one app. */
export const PersonGrant = Type.Object({
  role: Role,
  appId: Nullable(Type.String({ description: 'Null: every app' })),
})
export type PersonGrant = Static<typeof PersonGrant>

export const NewPersonGrant = Type.Object(
  { role: Role, app: Type.Optional(Type.String({ description: 'Id or slug; every app when it is left out' })) },
  { additionalProperties: false },
)
export type NewPersonGrant = Static<typeof NewPersonGrant>

const NewGrants = Type.Array(NewPersonGrant, { maxItems: 100 })

export const GRANT_SOURCES = ['people', 'single-sign-on'] as const

/** One that somebody has. */
export const HeldGrant = Type.Object({
  ...PersonGrant.properties,
  source: OneOf(GRANT_SOURCES, {
    description: 'people: somebody gave it; single-sign-on: by groups, and looked at anew with each sign-in',
  }),
})
export type HeldGrant = Static<typeof HeldGrant>

/** Somebody who signs in. */
export const Person = Type.Object({
  id: Id,
  name: Type.String(),
  email: Type.String(),
  grants: Type.Array(HeldGrant),
  createdAt: Timestamp,
  signedInAt: Nullable(Timestamp),
  disabledAt: Nullable(Timestamp),
  hasPassword: Type.Boolean(),
  hasTotp: Type.Boolean({ description: 'Whether a password alone does not let the person in' }),
  passkeys: Type.Integer({ minimum: 0 }),
  signsInElsewhere: Type.Boolean({ description: 'Whether by single sign-on, too' }),
})
export type Person = Static<typeof Person>

export const PersonChanges = Type.Object(
  {
    name: Type.Optional(PersonName),
    email: Type.Optional(Email),
    grants: Type.Optional(NewGrants),
    disabled: Type.Optional(
      Type.Boolean({ description: 'Ends every session of the person, and every token that the person made' }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type PersonChanges = Static<typeof PersonChanges>

export const PersonRemoval = Type.Object({
  keepTokens: Type.Optional(Type.Boolean({ description: 'Tokens that the person made go on' })),
})
export type PersonRemoval = Static<typeof PersonRemoval>

export const NewInvitation = Type.Object(
  { email: Email, name: Type.Optional(PersonName), grants: Type.Array(NewPersonGrant, { minItems: 1, maxItems: 100 }) },
  { additionalProperties: false },
)
export type NewInvitation = Static<typeof NewInvitation>

/** An invitation that nobody has taken yet. */
export const Invitation = Type.Object({
  id: Id,
  email: Type.String(),
  name: Nullable(Type.String()),
  grants: Type.Array(PersonGrant),
  createdAt: Timestamp,
  createdBy: Type.String(),
  expiresAt: Timestamp,
})
export type Invitation = Static<typeof Invitation>

/** Works once. Its secret is behind the "#", and shown here alone. */
const Link = Type.String({ description: 'To be given to whom it is for, and to nobody else: it works once' })

export const CreatedInvitation = Type.Object({ ...Invitation.properties, link: Link })
export type CreatedInvitation = Static<typeof CreatedInvitation>

/** How many of each were ended. */
export const EverybodySignedOut = Type.Object({
  sessions: Type.Integer({ minimum: 0 }),
  links: Type.Integer({ minimum: 0, description: 'Invitations, and links to set a new password' }),
  tokens: Type.Integer({ minimum: 0, description: 'Of CI jobs, and those that API tokens were exchanged for' }),
})
export type EverybodySignedOut = Static<typeof EverybodySignedOut>

export const NewResetLink = Type.Object(
  {
    minutes: Type.Optional(Type.Integer({ minimum: 30, maximum: 1440, default: 60 })),
    removesSecondFactor: Type.Optional(
      Type.Boolean({
        description: 'Whether TOTP, recovery codes and passkeys go, too: for somebody who has lost them',
      }),
    ),
  },
  { additionalProperties: false },
)
export type NewResetLink = Static<typeof NewResetLink>

export const CreatedResetLink = Type.Object({ link: Link, expiresAt: Timestamp })
export type CreatedResetLink = Static<typeof CreatedResetLink>

export const SignIn = Type.Object({ email: Email, password: GivenPassword }, { additionalProperties: false })
export type SignIn = Static<typeof SignIn>

/** What is still needed; nothing when it is done. */
export const SignInAnswer = Type.Object({
  done: Type.Boolean(),
  needs: Type.Optional(
    OneOf(['totp', 'sign-in'], {
      description: 'totp: a code or a recovery code; sign-in: the password is set, sign in',
    }),
  ),
})
export type SignInAnswer = Static<typeof SignInAnswer>

export const TotpSignIn = Type.Object({ code: TotpCode }, { additionalProperties: false })
export type TotpSignIn = Static<typeof TotpSignIn>

export const RecoverySignIn = Type.Object(
  { code: Type.String({ minLength: 8, maxLength: 40, description: 'One of the recovery codes; it works once' }) },
  { additionalProperties: false },
)
export type RecoverySignIn = Static<typeof RecoverySignIn>

/** As `navigator.credentials` takes them, in the JSON form of WebAuthn. `ceremony` comes back with the answer. */
export const PasskeyOptions = Type.Object({
  ceremony: Type.String(),
  options: Type.Unsafe<object>(Type.Object({}, { additionalProperties: true })),
})
export type PasskeyOptions = Static<typeof PasskeyOptions>

const Ceremony = Type.String({ minLength: 1, maxLength: 100 })
/** `PublicKeyCredential.toJSON()`. */
const PasskeyResponse = Type.Unsafe<object>(Type.Object({}, { additionalProperties: true, maxProperties: 20 }))

export const PasskeySignIn = Type.Object(
  { ceremony: Ceremony, response: PasskeyResponse },
  { additionalProperties: false },
)
export type PasskeySignIn = Static<typeof PasskeySignIn>

export const OneTimeLinkSecret = Type.Object({ secret: LinkSecret }, { additionalProperties: false })
export type OneTimeLinkSecret = Static<typeof OneTimeLinkSecret>

export const ONE_TIME_LINK_KINDS = ['first-owner', 'invitation', 'reset'] as const

/** What a one-time link is for, to whoever has it. */
export const OneTimeLink = Type.Object({
  kind: OneOf(ONE_TIME_LINK_KINDS),
  email: Nullable(Type.String()),
  name: Nullable(Type.String()),
  grants: Type.Array(PersonGrant),
  invitedBy: Nullable(Type.String()),
  removesSecondFactor: Type.Boolean(),
  expiresAt: Timestamp,
})
export type OneTimeLink = Static<typeof OneTimeLink>

export const OneTimeLinkUse = Type.Object(
  {
    secret: LinkSecret,
    email: Type.Optional(Email),
    name: Type.Optional(PersonName),
    password: Type.Optional({
      ...NewPassword,
      description: 'Not of an invitation that is taken by whoever is signed in with its e-mail address',
    }),
  },
  { additionalProperties: false },
)
export type OneTimeLinkUse = Static<typeof OneTimeLinkUse>

/** A browser in which somebody is signed in. */
export const PersonSession = Type.Object({
  id: Id,
  isCurrent: Type.Boolean({ description: 'Whether it is the one that asks' }),
  address: Nullable(Type.String({ description: 'From which it was begun; of IPv6, the network' })),
  browser: Nullable(Type.String({ description: 'As it called itself' })),
  createdAt: Timestamp,
  lastUsedAt: Timestamp,
  expiresAt: Timestamp,
})
export type PersonSession = Static<typeof PersonSession>

export const PersonSessions = Type.Object({ items: Type.Array(PersonSession) })
export type PersonSessions = Static<typeof PersonSessions>

export const AccountChanges = Type.Object(
  { name: Type.Optional(PersonName) },
  { additionalProperties: false, minProperties: 1 },
)
export type AccountChanges = Static<typeof AccountChanges>

export const PasswordChange = Type.Object(
  { currentPassword: GivenPassword, newPassword: NewPassword },
  { additionalProperties: false },
)
export type PasswordChange = Static<typeof PasswordChange>

/** Again, for what a stolen session should not be enough for. */
export const PasswordAgain = Type.Object({ password: GivenPassword }, { additionalProperties: false })
export type PasswordAgain = Static<typeof PasswordAgain>

export const TotpEnrolment = Type.Object({
  uri: Type.String({ description: 'For an authenticator app: otpauth://totp/…, to be shown as a QR code' }),
  recoveryCodes: Type.Array(Type.String(), { description: 'Each lets its owner in once, without the app' }),
})
export type TotpEnrolment = Static<typeof TotpEnrolment>

export const TotpConfirmation = Type.Object({ code: TotpCode }, { additionalProperties: false })
export type TotpConfirmation = Static<typeof TotpConfirmation>

export const RecoveryCodes = Type.Object({ recoveryCodes: Type.Array(Type.String()) })
export type RecoveryCodes = Static<typeof RecoveryCodes>

export const Passkey = Type.Object({
  id: Id,
  name: Type.String(),
  isSynced: Type.Boolean({ description: 'Whether a keeper of passwords has it, and not one device alone' }),
  createdAt: Timestamp,
  usedAt: Nullable(Timestamp),
})
export type Passkey = Static<typeof Passkey>

export const Passkeys = Type.Object({ items: Type.Array(Passkey) })
export type Passkeys = Static<typeof Passkeys>

export const NewPasskeyOptions = Type.Object(
  { password: Type.Optional(GivenPassword) },
  {
    additionalProperties: false,
    description: 'The password of whoever has one; others have to have signed in just now',
  },
)
export type NewPasskeyOptions = Static<typeof NewPasskeyOptions>

export const NewPasskey = Type.Object(
  { ceremony: Ceremony, name: PersonName, response: PasskeyResponse },
  { additionalProperties: false },
)
export type NewPasskey = Static<typeof NewPasskey>

export const PersonFilter = Type.Object({
  ...PageQuery.properties,
  text: Type.Optional(Type.String({ maxLength: 100, description: 'Part of the name or of the e-mail address' })),
})
export type PersonFilter = Static<typeof PersonFilter>
