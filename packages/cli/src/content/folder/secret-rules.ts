/** What a text gives away. Read in latin1, so that it is found in Hermes bytecode as well as in sources. */
export interface ContentRule {
  id: string
  what: string
  pattern: RegExp
}

/**
 * Forms that only secrets have; those of the rules of gitleaks that are exact. Keys that are public by design, such as
 * Google's for Firebase in every app, are not among them.
 */
export const CONTENT_RULES: readonly ContentRule[] = [
  // Followed by a key: libraries name the header without one.
  rule(
    'private-key',
    'a private key',
    /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\[rn]|[\s"'+,]){1,12}(?:Proc-Type[^-]{0,200}|Version[^-]{0,100})?[A-Za-z0-9+/=]{40}/,
  ),
  rule('aws-key', 'an AWS access key', /\b(?:AKIA|ASIA|ABIA|ACCA)(?![A-Z2-7]{9}EXAMPLE)[A-Z2-7]{16}\b/),
  rule('github-token', 'a GitHub token', /\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_\w{82})\b/),
  rule('gitlab-token', 'a GitLab token', /\bglpat-[\w-]{20}\b/),
  rule('npm-token', 'an npm token', /\bnpm_[0-9A-Za-z]{36}\b|:_authToken\s*=\s*[^\s$]{16}/),
  rule(
    'slack-token',
    'a Slack token',
    /\bxox[abeoprs]-[0-9]{8,}-[0-9A-Za-z-]{10,}|hooks\.slack\.com\/services\/T\w{8,}\/B\w{8,}\/\w{20}/,
  ),
  rule('stripe-key', 'a secret key of Stripe', /\b[rs]k_live_[0-9A-Za-z]{20,}/),
  rule('google-oauth', 'a Google client secret', /\bGOCSPX-[\w-]{28}\b/),
  rule('service-account', 'a Google service account', /"type"\s*:\s*"service_account"[^]{0,400}"private_key/),
  rule('openai-key', 'an API key of OpenAI', /\bsk-(?:proj-|svcacct-|admin-)?[\w-]{20,80}T3BlbkFJ[\w-]{20,80}/),
  rule('anthropic-key', 'an API key of Anthropic', /\bsk-ant-(?:api|admin)\d{2}-[\w-]{80}/),
  rule('sendgrid-key', 'an API key of SendGrid', /\bSG\.[\w-]{22}\.[\w-]{43}\b/),
  rule('hotpatch-token', 'an API token of HotPatch', /\bhpt_[\w-]{32,}/),
  rule(
    'database-login',
    'the password of a database',
    /\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?):\/\/[\w.-]{1,64}:(?!(?:password|pass|secret|\*+|x+)@)[^\s:@/"'`<>${}]{4,128}@(?!localhost|127\.|example)[\w.-]{3}/i,
  ),
]

function rule(id: string, what: string, pattern: RegExp) {
  return { id, what, pattern }
}
