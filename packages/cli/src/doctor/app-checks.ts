import type { App } from '@hotpatch/api'
import type { Project } from '../config/project-file.ts'
import type { CliContext } from '../process/context.ts'
import { openAppTrust } from '../session/app-trust.ts'
import { passed, warned, type Check } from './check.ts'

/**
 * @param found the app, and what it was called
 * @throws CommandError when the server shows another app than before
 */
export async function checkAcquaintance(
  context: CliContext,
  project: Project | undefined,
  url: string,
  { app, named }: { app: App; named: string | undefined },
): Promise<Check> {
  const id = 'app-known'
  const trust = await openAppTrust(context, project, url)
  switch (trust.requireSame(app, named)) {
    case 'project':
      return passed(id, `${app.slug} has the id that ${project?.path ?? 'the project file'} says.`)
    case 'remembered':
      return passed(id, `${app.slug} has the id that it had before. For CI, hotpatch.json can hold it, too.`)
    case 'first-use': {
      const message = `Nothing was signed for ${app.slug} from here yet: the server's word for its id, ${app.id}, will be taken.`
      return warned(id, message, `${context.programName} trust app --app ${app.slug} --project`)
    }
  }
}
