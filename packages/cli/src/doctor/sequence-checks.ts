import { ApiProblem, type App, type ManagementClient } from '@hotpatch/api'
import type { CliContext } from '../process/context.ts'
import { passed, warned, type Check } from './check.ts'

/** Whether devices have seen what the server does not know: then it was restored from a backup that is too old. */
export async function checkSequences(
  { programName }: CliContext,
  { api, app }: { api: ManagementClient; app: App },
): Promise<Check[]> {
  const checks: Check[] = []
  for (const platform of app.platforms) {
    const id = `sequence-${platform}`
    try {
      const { taken, told, nextSequence } = await api.getNextSequence(app.id, platform)
      if (!told) {
        checks.push(passed(id, `No device has seen more than the server has taken: ${taken}.`))
      } else if (told.believed === null) {
        const some = `${told.devices} ${told.devices === 1 ? 'device says' : 'devices say'}`
        const doubt = `${some} to have confirmed ${told.sequence}, and the server has taken ${taken}: too few, or known for too short a time, to be believed.`
        const advice = 'If a backup was restored here, see apps set --next-sequence.'
        checks.push(passed(id, `${doubt} ${advice}`))
      } else {
        const found = `${told.devices} devices have confirmed up to ${told.sequence}, and the server knows of ${taken} only: it was restored from an older backup, or its database is another one.`
        const fix = `${programName} apps set ${app.slug} --platform ${platform} --next-sequence ${told.sequence + 1}`
        checks.push(warned(id, `${found} The next statement takes ${nextSequence}.`, fix))
      }
    } catch (error) {
      // Who may not publish is not told.
      if (!(error instanceof ApiProblem && error.status === 403)) throw error
    }
  }
  return checks
}
