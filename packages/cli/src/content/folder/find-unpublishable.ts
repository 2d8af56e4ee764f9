import type { ReleaseFinding } from '@hotpatch/api'
import { formatCount } from '../../output/text.ts'
import type { ContentFile } from '../content-kind.ts'
import { findSecrets } from './find-secrets.ts'
import { errorOf } from './finding.ts'

const NAMED = 3

/** What nobody publishes on purpose, whatever the content is. */
export async function findUnpublishable(files: readonly ContentFile[]): Promise<ReleaseFinding[]> {
  return [...modulesFindings(files), ...(await secretFindings(files))]
}

function modulesFindings(files: readonly ContentFile[]): ReleaseFinding[] {
  // Metro puts images of packages below assets/node_modules: those belong there.
  const found = files.filter(({ name }) => /^(?:.*\/)?node_modules\//.test(name) && !isAsset(name))
  const [first] = found
  if (!first) return []
  const text = `${formatCount(found.length, 'file')} of packages, such as ${first.name}`
  return [
    errorOf('node-modules', 'a bundle', text, 'Publish the output of the bundler, not the folder of the project.'),
  ]
}

const isAsset = (name: string) => name.startsWith('assets/') && !/\.(?:[cm]?[jt]sx?|json)$/.test(name)

async function secretFindings(files: readonly ContentFile[]): Promise<ReleaseFinding[]> {
  const { secrets, unread } = await findSecrets(files)
  const findings = [...Map.groupBy(secrets, ({ id }) => id).values()].map((found) => {
    const names = found.slice(0, NAMED).map(({ file }) => file)
    const more = found.length > NAMED ? ` and ${found.length - NAMED} more` : ''
    const [{ what } = { what: '' }] = found
    const advice = 'Everybody can download what is published. Take it out; what was published before is to be replaced.'
    return errorOf('secret', `nothing secret`, `${what} in ${names.join(', ')}${more}`, advice)
  })
  if (unread.length > 0) {
    const found = `${formatCount(unread.length, 'file')} too large to be read whole, such as ${unread[0]}`
    findings.push({
      ...errorOf('secret', 'files that can be looked through', found, 'Look for secrets in it yourself.'),
      severity: 'warning',
    })
  }
  return findings
}
