import type { ReleaseFilter } from '@hotpatch/api'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel, readPlatform, readVersion } from '../arguments/readers.ts'
import { pageQuery, serverCommand, withApp, withPage, withYes, type PageOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { releaseFields } from '../release/release-fields.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

export type ReleaseListOptions = SessionOptions & PageOptions & ReleaseFilter

export function addReleasesCommands(program: Command, context: CliContext) {
  const releases = program.command('releases').description('what was published')

  serverCommand(releases, 'list', 'lists releases, newest first', withApp, withPage, withReleaseFilter).action(
    (options: ReleaseListOptions) => listReleases(context, options),
  )

  serverCommand(releases, 'show', 'shows one release')
    .argument('<release-id>')
    .action((id: string, options: SessionOptions) => showRelease(context, id, options))

  serverCommand(releases, 'archive', 'takes a release back everywhere, for good; its record stays', withYes)
    .argument('<release-id>')
    .action((id: string, options: SessionOptions) => archiveRelease(context, id, options))
}

export function withReleaseFilter(command: Command): Command {
  return command
    .option('--platform <platform>', 'only of this platform', readPlatform)
    .option('--channel <channel>', 'only of this channel', readChannel)
    .option('--version <version>', 'only of this version', readVersion)
    .option('--archived', 'those that are archived')
}

async function archiveRelease(context: CliContext, id: string, options: SessionOptions) {
  const { api, confirm, output } = await openSession(context, options)
  const { version, platform, channel } = await api.getRelease(id)
  await confirm(
    `Archive ${version} for ${platform}, published on ${channel}? Its rollouts end everywhere, and devices that run it leave it.`,
  )
  const release = await api.archiveRelease(id)
  output.result(release, () => output.fields(releaseFields(release)))
}

export async function listReleases(context: CliContext, options: ReleaseListOptions) {
  const { platform, channel, version, archived } = options
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const page = await api.listReleases(app.id, {
    ...pageQuery(options),
    ...given({ platform, channel, version, archived }),
  })
  const columns = ['version', 'platform', 'channel', 'sequence', 'content', 'sizeBytes', 'createdAt', 'id'] as const
  output.page(page, columns, page.items.map(releaseFields))
}

async function showRelease(context: CliContext, id: string, options: SessionOptions) {
  const { api, output } = await openSession(context, options)
  const release = await api.getRelease(id)
  output.result(release, () => output.fields(releaseFields(release)))
}
