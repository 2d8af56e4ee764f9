import type { Platform } from '@hotpatch/protocol'
import type { Project } from '../config/project-file.ts'
import { describeError } from '../errors/describe-error.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import type { Session } from '../session/session.ts'

/** Those that were named, else all of the project. `any` is one release for all that the app has, and stands alone. */
export function choosePlatforms(named: readonly Platform[] | undefined, project: Project | undefined): Platform[] {
  const chosen = named ?? project?.platforms ?? []
  if (chosen.length === 0) throw new UsageError('Say for which platform: --platform android, or --platform ios.')
  if (chosen.includes('any')) {
    const besides = chosen.filter((platform) => platform !== 'any')
    if (besides.length === 0) return ['any']
    throw new UsageError(
      `Expected any alone, which is for all platforms of the app, found it beside ${besides.join(', ')}.`,
    )
  }
  const others = project?.platforms ? chosen.filter((platform) => !project.platforms?.includes(platform)) : []
  if (others.length === 0) return [...new Set(chosen)]
  const message = `${project?.path} lists the platforms ${project?.platforms?.join(', ')}, not ${others.join(', ')}.`
  throw new UsageError(message)
}

/** For what is done to one: that of a project with one platform is meant when none is named. */
export function choosePlatform(named: Platform | undefined, project: Project | undefined): Platform {
  const [only, ...others] = choosePlatforms(named && [named], project)
  if (only !== undefined && others.length === 0) return only
  throw new UsageError('Say for which platform, one at a time: --platform android, or --platform ios.')
}

/** Nobody named them: it is said which they are. */
export function tellChosen({ output, project }: Session, named: readonly Platform[] | undefined, chosen: Platform[]) {
  if (named !== undefined || chosen.length < 2) return
  output.notice(`For ${formatList(chosen)}, the platforms of ${project?.path}. Others: --platform.`)
}

/**
 * Plans each, and stops after the last when something is wrong with any of them: it is all told at once.
 * @throws CommandError platforms-failed with the problems of all; of a single one as it is
 */
export async function planEach<Of extends Platform | undefined, Plan>(
  platforms: readonly Of[],
  plan: (platform: Of) => Promise<Plan>,
): Promise<Plan[]> {
  const plans: Plan[] = []
  const problems: { platform: Of; error: CommandError }[] = []
  for (const platform of platforms) {
    try {
      plans.push(await plan(platform))
    } catch (error) {
      if (platforms.length === 1 || !(error instanceof CommandError)) throw error
      problems.push({ platform, error })
    }
  }
  if (problems.length === 0) return plans
  const lines = problems.map(({ platform, error }) => `For ${platform}: ${error.message}`)
  const told = problems.map(({ platform, error }) => ({
    ...error.details,
    platform,
    type: error.type,
    message: error.message,
  }))
  const message = ['Nothing was done for any platform.', ...lines].join('\n')
  throw new CommandError('platforms-failed', message, { details: { problems: told } })
}

/**
 * Carries out one after the other. What is done stays: when a later one fails, it is said which are done.
 * @throws CommandError partly-done
 */
export async function carryOutEach<Plan extends { platform: Platform }, Done>(
  { output, context }: Session,
  plans: readonly Plan[],
  carryOut: (plan: Plan) => Promise<Done>,
): Promise<Done[]> {
  const results: Done[] = []
  for (const [index, plan] of plans.entries()) {
    try {
      results.push(await carryOut(plan))
      // Also for whoever interrupts the next.
      if (plans.length > 1) output.notice(`Done for ${plan.platform}, ${index + 1} of ${plans.length}.`)
    } catch (cause) {
      if (plans.length === 1) throw cause
      const [done, notDone] = [plans.slice(0, index), plans.slice(index)].map((some) =>
        some.map(({ platform }) => platform),
      ) as [Platform[], Platform[]]
      if (done.length === 0) {
        output.notice(`Not done for any platform: ${formatList(notDone)}.`)
        throw cause
      }
      const { exitCode: _, details, ...reason } = describeError(cause, context.programName)
      const message = [
        `Done for ${formatList(done)}; not done for ${formatList(notDone)}, as ${plan.platform} failed: ${reason.message}`,
        ...(reason.hint === undefined ? [] : [reason.hint]),
        `What is done stays. The rest: the same command with --platform ${notDone.join()}`,
      ].join('\n')
      throw new CommandError('partly-done', message, {
        cause,
        details: { done, notDone, reason: { ...details, ...reason } },
      })
    }
  }
  return results
}
