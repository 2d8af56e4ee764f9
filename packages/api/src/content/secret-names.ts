/** What a file name gives away. Compared with the whole path inside the content, in lower case. */
export interface SecretName {
  id: string
  what: string
  pattern: RegExp
}

/** Files that nobody ships to devices on purpose. */
export const SECRET_NAMES: readonly SecretName[] = [
  rule('env-file', 'environment variables', /(?:^|\/)\.env(?:rc|\.(?!(?:example|sample|template|dist)$)[^/]+)?$/),
  rule('version-control', 'the history of a repository', /(?:^|\/)\.(?:git|hg|svn)\//),
  rule('ssh-key', 'an SSH key', /(?:^|\/)(?:id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|\.ssh\/.*)$|\.ppk$/),
  rule('key-store', 'a key store', /\.(?:p12|pfx|jks|keystore|bks|p8|kdbx|agekey)$/),
  rule('provisioning', 'a provisioning profile', /\.(?:mobileprovision|provisionprofile)$/),
  rule(
    'signing-properties',
    'passwords of a build',
    /(?:^|\/)(?:(?:key|keystore|release)\.properties|local\.properties)$/,
  ),
  rule(
    'registry-login',
    'a login to a registry',
    /(?:^|\/)(?:\.npmrc|\.yarnrc\.yml|\.pypirc|\.netrc|_netrc|\.git-credentials|\.htpasswd)$/,
  ),
  rule('cloud-login', 'a login to a cloud', /(?:^|\/)(?:\.aws|\.azure|\.kube|\.docker|\.gnupg|\.config\/gcloud)\//),
  rule(
    'service-account',
    'a service account',
    /(?:^|\/)(?:[^/]*service[-_]?account[^/]*|client_secret[^/]*|credentials)\.json$/,
  ),
  rule('terraform-state', 'the state of an infrastructure', /\.tfstate(?:\.backup)?$/),
  rule('shell-history', 'what somebody typed', /(?:^|\/)\.(?:bash|zsh|psql|mysql|node_repl)_history$/),
  rule('hotpatch-login', 'a login or a signing key of this tool', /(?:^|\/)\.rn-ota\/|(?:^|\/)signing_key[^/]*\.pem$/),
]

function rule(id: string, what: string, pattern: RegExp): SecretName {
  return { id, what, pattern }
}

/** What a file of this path would give away; undefined of most. */
export function secretInName(path: string): string | undefined {
  const lower = path.toLowerCase()
  return SECRET_NAMES.find(({ pattern }) => pattern.test(lower))?.what
}
