import type { TrustCondition } from '@hotpatch/api'

export type IssuerKind = 'github' | 'gitlab' | 'other'

/** Those that most have, with what a rule for them begins with. */
export const ISSUERS: Record<Exclude<IssuerKind, 'other'>, { address: string; conditions: TrustCondition[] }> = {
  github: {
    address: 'https://token.actions.githubusercontent.com',
    conditions: [
      { claim: 'repository', matches: '' },
      { claim: 'ref', matches: 'refs/heads/main' },
    ],
  },
  gitlab: {
    address: 'https://gitlab.com',
    conditions: [
      { claim: 'project_path', matches: '' },
      { claim: 'ref_protected', matches: 'true' },
    ],
  },
}

export function kindOf(address: string): IssuerKind {
  if (address === ISSUERS.github.address) return 'github'
  return address === ISSUERS.gitlab.address ? 'gitlab' : 'other'
}

/** What stands in the job, for whoever made the rule. */
export function jobOf(kind: IssuerKind, { url, rule }: { url: string; rule: string }): string {
  const command = 'hotpatch release --platform android --version 1.0.0 --bundle-dir dist --yes'
  switch (kind) {
    case 'github':
      return [
        'permissions:',
        '  id-token: write',
        '  contents: read',
        'steps:',
        '  - uses: actions/checkout@v5',
        '  - uses: ./.github/actions/hotpatch',
        '    with:',
        `      url: ${url}`,
        `      rule: ${rule}`,
        `      run: ${command}`,
      ].join('\n')
    case 'gitlab':
      return [
        'include:',
        '  - local: .gitlab/hotpatch.gitlab-ci.yml',
        '    inputs:',
        `      url: ${url}`,
        `      rule: ${rule}`,
        'publish:',
        '  extends: .hotpatch',
        '  script:',
        `    - ${command}`,
      ].join('\n')
    case 'other':
      return [
        `export HOTPATCH_URL=${url}`,
        `export HOTPATCH_TOKEN=$(HOTPATCH_ID_TOKEN="$TOKEN_OF_THE_JOB" hotpatch login --ci --print --rule ${rule})`,
        command,
      ].join('\n')
  }
}
