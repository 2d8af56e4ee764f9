/** Every problem that HotPatch's own APIs answer with (RFC 9457): type → status, title and what to do. */
export const PROBLEMS = {
  'invalid-request': {
    status: 400,
    title: 'The request is not valid',
    advice: 'Compare the request with the API reference; `errors` names each field.',
  },
  'malformed-json': {
    status: 400,
    title: 'The body is not JSON',
    advice: 'Send valid JSON with the content type application/json.',
  },
  'invalid-archive': {
    status: 422,
    title: 'The archive cannot be accepted',
    advice: 'Make the archive anew with `hotpatch release`, or mend the entry that `detail` names.',
  },
  'invalid-binary': {
    status: 422,
    title: 'The file cannot be accepted',
    advice: 'Give the file that the build made, whole and under its own name, or mend what `detail` names.',
  },
  'content-unfit': {
    status: 422,
    title: 'The content is not what its devices can run',
    advice: 'Put the file that `detail` names where it is expected, or publish for another platform.',
  },
  'content-opposed': {
    status: 422,
    title: 'The files are not what was to be expected',
    advice: 'Publish the right ones, or name in `content.accept` each of the `objections` that is meant.',
  },
  'upload-not-found': {
    status: 404,
    title: 'There is no such upload',
    advice: 'Look whether the bytes have arrived, and begin the upload anew if they have not.',
  },
  'upload-expired': {
    status: 410,
    title: 'The upload took too long',
    advice: 'Begin the upload anew; how long one may take is HOTPATCH_UPLOAD_HOURS.',
  },
  'upload-conflict': {
    status: 409,
    title: 'The upload is at another place',
    advice: 'Ask with HEAD how far it is, and go on from there.',
  },
  'upload-version': {
    status: 412,
    title: 'The upload speaks another protocol',
    advice: 'Send `Tus-Resumable: 1.0.0` with every request.',
  },
  'too-many-uploads': {
    status: 429,
    title: 'Too many uploads are on their way',
    advice: 'End those that nobody goes on with, or wait; how many there may be is HOTPATCH_MAX_UPLOADS.',
  },
  'hash-mismatch': {
    status: 422,
    title: 'The bytes do not have the announced hash',
    advice: 'Upload again: the bytes changed on the way, or the hash is of another file.',
  },
  'size-mismatch': {
    status: 422,
    title: 'The bytes do not have the announced size',
    advice: 'Upload again: the bytes changed on the way, or the size is of another file.',
  },
  'signature-invalid': {
    status: 422,
    title: 'The signature does not fit',
    advice: 'Sign with a key that the app has registered (`hotpatch keys list`), over exactly these bytes.',
  },
  'signature-required': {
    status: 422,
    title: 'This app takes signed releases only',
    advice:
      'Sign the release: `hotpatch keys generate` makes a key, `hotpatch release` signs with it, and `hotpatch binary publish` a whole app.',
  },
  'statement-invalid': {
    status: 422,
    title: 'The release statement does not fit the release',
    advice: 'Make the statement from the release that it is sent with; `detail` names what differs.',
  },
  'cohort-not-found': {
    status: 404,
    title: 'There is no such cohort',
    advice: 'List the cohorts of the app with `hotpatch cohorts list`.',
  },
  'cohort-exists': {
    status: 409,
    title: 'There is a cohort of that name',
    advice: 'Choose another name, or change the one that is there.',
  },
  'cohort-in-use': {
    status: 409,
    title: 'A rollout names this cohort',
    advice: 'Take the cohort out of the rollouts that `detail` names, or end them, and delete it then.',
  },
  'experiment-not-found': {
    status: 404,
    title: 'There is no such experiment',
    advice: 'List the experiments of the app with `hotpatch experiments list`.',
  },
  'experiment-state': {
    status: 409,
    title: 'The experiment is not in a state for this',
    advice: 'Look at it with `hotpatch experiments show`: a finished experiment is not changed any more.',
  },
  'rollback-target-invalid': {
    status: 422,
    title: 'That cannot be rolled back to',
    advice: 'Choose a release that was on this channel before: `hotpatch rollouts list`.',
  },
  'authentication-required': {
    status: 401,
    title: 'Authentication is required',
    advice: 'Send `Authorization: Bearer TOKEN`.',
  },
  'token-invalid': {
    status: 401,
    title: 'The token is not valid',
    advice: 'Use a token that exists and was not revoked: `hotpatch login`.',
  },
  'address-not-allowed': {
    status: 403,
    title: 'The token does not work from there',
    advice: 'Use it from one of the addresses that it was made for, or make another one.',
  },
  'channel-protected': {
    status: 403,
    title: 'The channel is protected',
    advice:
      'Ask somebody who is named in its protection, `hotpatch channels protections`, or publish to another channel.',
  },
  'protection-not-found': {
    status: 404,
    title: 'The channel is not protected',
    advice: 'List what is: `hotpatch channels protections`.',
  },
  'approval-awaited': {
    status: 409,
    title: 'It waits for a second person',
    advice: 'Have somebody else approve it: `hotpatch proposals list`, `hotpatch proposals approve`.',
  },
  'approval-required': {
    status: 409,
    title: 'It takes a second person',
    advice: 'Do it in a way that can be proposed, as `detail` says.',
  },
  'approval-not-yours': {
    status: 403,
    title: 'This approval is not yours to give',
    advice: 'Somebody else has to approve it, who is signed in or uses a token of his own.',
  },
  'proposal-not-found': {
    status: 404,
    title: 'There is no such proposal',
    advice: 'List those that are open: `hotpatch proposals list`.',
  },
  'proposal-decided': {
    status: 409,
    title: 'The proposal is decided already',
    advice: 'Look at what became of it, and propose it anew if it should still be.',
  },
  'cross-site-request': {
    status: 403,
    title: 'The request came from another site',
    advice: 'Use the console at the address of this server, or send an API token instead of a cookie.',
  },
  'sign-in-failed': {
    status: 401,
    title: 'The sign-in failed',
    advice:
      'Try again with the right password or code; somebody with the permission people:manage can make a link to set a new password.',
  },
  'password-wrong': {
    status: 403,
    title: 'The password is not right',
    advice:
      'Give the password that you sign in with. After several wrong ones it takes up to 15 minutes until the next one counts.',
  },
  'sign-in-again': {
    status: 403,
    title: 'This takes a fresh sign-in',
    advice: 'Sign out, sign in, and do it again within a quarter of an hour.',
  },
  'link-gone': {
    status: 410,
    title: 'The link does not work',
    advice:
      'Ask whoever gave you the link for another one. Until there is an owner, every start of the server makes one.',
  },
  'person-not-found': {
    status: 404,
    title: 'There is no such person',
    advice: 'List them with `hotpatch people list`.',
  },
  'person-exists': {
    status: 409,
    title: 'There is a person with this e-mail address',
    advice: 'Change what that person may do: `hotpatch people change`.',
  },
  'too-many-invitations': {
    status: 409,
    title: 'As many invitations wait as may',
    advice: 'Withdraw some that nobody needs: `hotpatch people invitations` shows them.',
  },
  'invitation-not-found': {
    status: 404,
    title: 'There is no such invitation',
    advice: 'List those that wait with `hotpatch people invitations`.',
  },
  'last-owner': {
    status: 409,
    title: 'This is the last owner',
    advice: 'Make somebody else an owner first.',
  },
  'second-factor-state': {
    status: 409,
    title: 'The second factor is not as this needs it',
    advice:
      'Look at your account: remove the authenticator app before you add another, and confirm it with a code after adding it.',
  },
  'passkey-refused': {
    status: 422,
    title: 'The passkey cannot be taken',
    advice: 'Try again from the beginning, at the address that the server is reached by.',
  },
  'passkey-not-found': {
    status: 404,
    title: 'There is no such passkey',
    advice: 'Look at your account, which lists them.',
  },
  'token-expired': {
    status: 401,
    title: 'The token has expired',
    advice: 'Refresh the access token, or make a new API token.',
  },
  'app-key-required': {
    status: 401,
    title: 'The app key is missing',
    advice: 'Send the app key in the header `x-app-key`, or open the app with `checkAccess: "open"`.',
  },
  'app-key-invalid': {
    status: 401,
    title: 'The app key is not valid',
    advice: 'Use the `appKey` of the app: `hotpatch apps show`.',
  },
  forbidden: {
    status: 403,
    title: 'This is not allowed to you',
    advice: 'Use a token, or have a role, that may do this for the app: `hotpatch whoami` shows yours.',
  },
  'not-found': {
    status: 404,
    title: 'There is nothing at this address',
    advice: 'Compare the address with the API reference.',
  },
  'app-not-found': { status: 404, title: 'There is no such app', advice: '`hotpatch apps list` shows the apps.' },
  'channel-not-found': {
    status: 404,
    title: 'There is no such channel',
    advice: '`hotpatch channels list` shows the channels, `hotpatch channels create` makes one.',
  },
  'platform-not-found': {
    status: 404,
    title: 'The app has no such platform',
    advice: "Use one of the app's platforms, or add this one to the app.",
  },
  'release-not-found': {
    status: 404,
    title: 'There is no such release',
    advice: '`hotpatch releases list` shows the releases.',
  },
  'rollout-not-found': {
    status: 404,
    title: 'There is no such rollout',
    advice: '`hotpatch rollouts list` shows the rollouts.',
  },
  'plan-not-found': {
    status: 404,
    title: 'The rollout has no plan',
    advice: 'Set its percentage by `hotpatch rollouts set`, or give a plan with the next release or promotion.',
  },
  'device-not-found': {
    status: 404,
    title: 'There is no such device',
    advice: '`hotpatch devices list` shows the devices that have checked.',
  },
  'guard-not-found': {
    status: 404,
    title: 'The rollout has no guard',
    advice: 'Only rollouts of releases have guards: `hotpatch rollouts list` shows what each places.',
  },
  'key-not-found': {
    status: 404,
    title: 'There is no such signing key',
    advice: '`hotpatch keys list` shows the keys.',
  },
  'token-not-found': {
    status: 404,
    title: 'There is no such token',
    advice: '`hotpatch tokens list` shows the tokens.',
  },
  'token-exists': {
    status: 409,
    title: 'There is a token with this name',
    advice: 'Choose another name; by its id `hotpatch tokens revoke` ends the one that is there.',
  },
  'webhook-not-found': {
    status: 404,
    title: 'There is no such webhook',
    advice: '`hotpatch webhooks list` shows the webhooks.',
  },
  'delivery-not-found': {
    status: 404,
    title: 'There is no such delivery',
    advice: '`hotpatch webhooks deliveries` shows what was sent; it is kept for 30 days.',
  },
  'not-acceptable': {
    status: 406,
    title: 'This is not told in the form that was asked for',
    advice: 'Ask for the stream with `Accept: text/event-stream`.',
  },
  'artifact-not-found': {
    status: 404,
    title: 'There is no such artifact',
    advice: 'Check again: the answer has the address of what is there now.',
  },
  'artifact-missing': {
    status: 409,
    title: 'The bytes of the release are not on the server',
    advice: 'Upload the archive first, as `hotpatch release` does, or send it along with the release.',
  },
  'request-timeout': {
    status: 408,
    title: 'The request took too long',
    advice: 'Send the request again, on a connection that does not stall.',
  },
  'app-exists': { status: 409, title: 'There is an app with this slug', advice: 'Choose another slug.' },
  'bundle-id-exists': {
    status: 409,
    title: 'Another app has this bundle id',
    advice: 'Take it from the app that has it first: `hotpatch apps set OTHER --bundle-ids …`.',
  },
  'channel-exists': {
    status: 409,
    title: 'There is a channel with this name',
    advice: 'Use the channel that is there.',
  },
  'channel-key-exists': {
    status: 409,
    title: 'The key is in use already',
    advice: 'Every key names one channel of one app. Use another one, or let the server make it.',
  },
  'channel-key-not-found': {
    status: 404,
    title: 'There is no such channel key',
    advice: 'Look at the channel keys of the app.',
  },
  'appcast-changed': {
    status: 409,
    title: 'The feed says something else by now',
    advice: 'Sign what is in force now: `hotpatch appcast sign`, or fetch it anew with `hotpatch appcast save`.',
  },
  'install-page-not-found': {
    status: 404,
    title: 'There is no such install page',
    advice: 'Open one with `hotpatch install-page open`; `hotpatch install-page list` shows those that there are.',
  },
  'key-exists': { status: 409, title: 'The key is registered already', advice: 'There is nothing to do.' },
  'release-exists': {
    status: 409,
    title: 'This version is published already',
    advice:
      'Publish under a new version, as a release never changes; or place the one that is there: `hotpatch promote`.',
  },
  'variant-not-found': {
    status: 404,
    title: 'There is no such variant',
    advice: 'Look at the variants of the release.',
  },
  'variant-exists': {
    status: 409,
    title: 'The release has another variant of this key',
    advice: 'Remove that variant first: devices may be downloading it.',
  },
  'variant-unfit': {
    status: 422,
    title: 'The variant is not of this release',
    advice: 'Encrypt the very zip and files that were published.',
  },
  'channel-in-use': {
    status: 409,
    title: 'Something was placed on this channel',
    advice: 'A channel with a history stays. Halt its rollouts instead.',
  },
  'app-in-use': {
    status: 409,
    title: 'The app has releases or devices',
    advice: 'Only an app that was never used can be deleted. Archive its releases instead.',
  },
  'app-has-devices': {
    status: 409,
    title: 'The app has devices already',
    advice: 'How device ids are kept is chosen before the first device checks: make another app, or leave it.',
  },
  'device-secret-differs': {
    status: 409,
    title: 'This server has another device-id secret than the database',
    advice: 'Start every server of a database with the same HOTPATCH_DEVICE_ID_SECRET.',
  },
  'sequence-taken': {
    status: 409,
    title: 'The sequence was taken by someone else',
    advice: 'Ask for the next sequence, sign again and upload again.',
  },
  'sequence-too-far': {
    status: 422,
    title: 'The sequence is too far above the last one',
    advice: 'Ask for the next sequence and sign again: devices would refuse this one.',
  },
  'rollout-planned': {
    status: 409,
    title: 'A plan sets the percentage of this rollout',
    advice: 'Go on with `hotpatch rollouts advance`, or end the plan with `hotpatch rollouts finish`.',
  },
  'plan-state': {
    status: 409,
    title: 'The plan is not in a state for this',
    advice: '`hotpatch rollouts show` shows its step and what it waits for.',
  },
  'rollout-state': {
    status: 409,
    title: 'The rollout is not in a state for this',
    advice: '`hotpatch rollouts list` shows the state of each rollout.',
  },
  'rollout-changed': {
    status: 409,
    title: 'Somebody else has changed the rollout',
    advice: 'Look at the rollout as it is now, and decide again.',
  },
  'webhook-state': {
    status: 409,
    title: 'The webhook cannot do this now',
    advice: 'Enable the webhook, or wait until the attempt under way has ended, and try again.',
  },
  'too-many-webhooks': {
    status: 409,
    title: 'There are as many webhooks as there can be',
    advice: 'Remove one that nobody needs: `hotpatch webhooks list` shows them.',
  },
  'webhook-address-refused': {
    status: 422,
    title: 'Webhooks are not sent to this address',
    advice:
      'Give an https address on the public internet; whoever runs the server opens its own networks with HOTPATCH_WEBHOOK_ALLOW_PRIVATE.',
  },
  'issuer-address-refused': {
    status: 422,
    title: 'Issuers are not asked at this address',
    advice:
      'Give an https address on the public internet; whoever runs the server opens its own networks with HOTPATCH_ISSUER_ALLOW_PRIVATE.',
  },
  'issuer-unusable': {
    status: 502,
    title: 'The issuer did not answer as an issuer of OpenID Connect does',
    advice:
      'Look whether the issuer answers at its address followed by /.well-known/openid-configuration, and try again.',
  },
  'single-sign-on-not-found': {
    status: 404,
    title: 'There is no single sign-on',
    advice: 'An owner sets it up: `hotpatch single-sign-on set`.',
  },
  'single-sign-on-only': {
    status: 403,
    title: 'People sign in here by single sign-on only',
    advice: 'Sign in with the button of your organisation; owners alone may do otherwise.',
  },
  'identity-token-invalid': {
    status: 401,
    title: 'The identity token is not taken',
    advice:
      'Ask the CI for a new token of the right audience in this very job; `hotpatch trust-rules explain` says what is amiss.',
  },
  'identity-token-used': {
    status: 401,
    title: 'The identity token was exchanged before',
    advice: 'Exchange each token once, and keep what comes of it for the rest of the job.',
  },
  'trust-rule-unmatched': {
    status: 403,
    title: 'No trust rule lets this token in',
    advice:
      'Compare the token with the rules: `hotpatch trust-rules explain` does it, with the permission trust:manage.',
  },
  'trust-rule-ambiguous': {
    status: 409,
    title: 'Several trust rules let this token in',
    advice: 'Say which one is meant, by its name: `rule` in the request, `--rule` in the tool.',
  },
  'trust-rule-not-found': {
    status: 404,
    title: 'There is no such trust rule',
    advice: '`hotpatch trust-rules list` shows the rules.',
  },
  'trust-rule-exists': {
    status: 409,
    title: 'There is a trust rule of that name',
    advice: 'Choose another name, or remove the one that is there.',
  },
  'too-many-trust-rules': {
    status: 409,
    title: 'There are as many trust rules as there can be',
    advice: 'Remove one that nobody needs: `hotpatch trust-rules list` shows them.',
  },
  'guard-state': {
    status: 409,
    title: 'The guard is not in a state for this',
    advice: '`hotpatch rollouts guard ID` shows the state of the guard.',
  },
  'body-too-large': {
    status: 413,
    title: 'The body is too large',
    advice: "Make the body smaller, or raise the server's limit.",
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The body is of a type that is not taken here',
    advice: 'Send the content type that the API reference names.',
  },
  'range-not-satisfiable': {
    status: 416,
    title: 'The range lies outside the artifact',
    advice: 'Ask for a range within the size that `Content-Range` gives.',
  },
  'expectation-failed': {
    status: 417,
    title: 'The server does not do what the header "expect" asks for',
    advice: 'Send no such header, or "expect: 100-continue".',
  },
  'too-many-requests': {
    status: 429,
    title: 'Too many requests',
    advice: 'Wait for as many seconds as `Retry-After` says.',
  },
  unavailable: {
    status: 503,
    title: 'The server cannot do this now',
    advice: 'Try again later; `/readyz` says what is missing.',
  },
} as const satisfies Record<string, { status: number; title: string; advice: string }>

export type ProblemType = keyof typeof PROBLEMS

/** Something the caller can understand and mend. Clients branch on `type`, never on text. */
export class Problem extends Error {
  override name = 'Problem'
  readonly type: ProblemType
  readonly extensions: Readonly<Record<string, unknown>>

  constructor(type: ProblemType, detail: string, extensions: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(detail, options)
    this.type = type
    this.extensions = extensions
  }

  get status(): number {
    return PROBLEMS[this.type].status
  }

  get title(): string {
    return PROBLEMS[this.type].title
  }
}

/** Reads `throw problem('release-not-found', 'No release has the id 7.')`. */
export function problem(
  type: ProblemType,
  detail: string,
  extensions?: Record<string, unknown>,
  options?: ErrorOptions,
): Problem {
  return new Problem(type, detail, extensions, options)
}
