import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Cohort } from '@hotpatch/api'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { pageQuery, serverCommand, withApp, withPage, withYes, type PageOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError, systemReason, UsageError } from '../errors/errors.ts'
import { formatCount } from '../output/text.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'

interface CsvOptions extends SessionOptions {
  csv?: string
}

interface CreateOptions extends CsvOptions {
  description?: string
}

export function addCohortCommands(program: Command, context: CliContext) {
  const cohorts = program.command('cohorts').description('lists of devices with a name, which rollouts can be for')
  const withCsv = (command: Command) =>
    command.option('--csv <file>', 'a file with a device id in the first column of each line')

  serverCommand(cohorts, 'list', 'lists the cohorts of an app', withApp).action((options: SessionOptions) =>
    listCohorts(context, options),
  )

  serverCommand(cohorts, 'create', 'makes a cohort', withApp, withCsv, withYes)
    .argument('<name>', 'such as testers')
    .option('--description <text>', 'what it is for')
    .action((name: string, options: CreateOptions) => createCohort(context, name, options))

  serverCommand(cohorts, 'show', 'shows who is in a cohort', withApp, withPage)
    .argument('<name>')
    .action((name: string, options: SessionOptions & PageOptions) => showCohort(context, name, options))

  serverCommand(cohorts, 'add', 'takes devices into a cohort', withApp, withCsv, withYes)
    .argument('<name>')
    .argument('[device-ids...]')
    .action((name: string, ids: string[], options: CsvOptions) => addDevices(context, name, ids, options))

  serverCommand(cohorts, 'remove', 'leaves devices out of a cohort', withApp, withYes)
    .argument('<name>')
    .argument('<device-ids...>')
    .action((name: string, ids: string[], options: SessionOptions) => removeDevices(context, name, ids, options))

  serverCommand(cohorts, 'replace', 'makes the list of a cohort anew', withApp, withYes)
    .argument('<name>')
    .requiredOption('--csv <file>', 'a file with a device id in the first column of each line')
    .action((name: string, options: CsvOptions & { csv: string }) => replaceDevices(context, name, options))

  serverCommand(cohorts, 'delete', 'deletes a cohort that no rollout in force names', withApp, withYes)
    .argument('<name>')
    .action((name: string, options: SessionOptions) => deleteCohort(context, name, options))
}

async function listCohorts(context: CliContext, options: SessionOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  output.page(await api.listCohorts(app.id), ['name', 'deviceCount', 'description', 'updatedAt'])
}

async function createCohort(context: CliContext, name: string, options: CreateOptions) {
  const session = await openSession(context, options)
  const { api, chooseApp, confirm } = session
  const csv = options.csv === undefined ? undefined : await readCsv(context, options.csv)
  const app = await chooseApp()
  await confirm(`Create the cohort ${name} of ${app.slug}?`)
  const created = await api.createCohort(app.id, { name, ...given({ description: options.description }) })
  show(session, csv === undefined ? created : await api.uploadCohort(app.id, name, csv))
}

async function showCohort(context: CliContext, name: string, options: SessionOptions & PageOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const cohort = await api.getCohort(app.id, name)
  const page = await api.listCohortDevices(app.id, name, pageQuery(options))
  output.notice(`${cohort.name}: ${formatCount(cohort.deviceCount, 'device')}. ${cohort.description}`)
  output.page(page, ['deviceId'])
}

async function addDevices(context: CliContext, name: string, ids: string[], options: CsvOptions) {
  if (ids.length > 0 === (options.csv !== undefined)) throw new UsageError('Name devices, or a file with --csv.')
  const session = await openSession(context, options)
  const csv = options.csv === undefined ? undefined : await readCsv(context, options.csv)
  const app = await session.chooseApp()
  const what = csv === undefined ? formatCount(ids.length, 'device') : `the devices of ${options.csv}`
  await session.confirm(`Take ${what} into ${name} of ${app.slug}?`)
  const { uploadCohort, changeCohort } = session.api
  show(session, await (csv === undefined ? changeCohort(app.id, name, { add: ids }) : uploadCohort(app.id, name, csv)))
}

async function removeDevices(context: CliContext, name: string, ids: string[], options: SessionOptions) {
  const session = await openSession(context, options)
  const app = await session.chooseApp()
  await session.confirm(`Leave ${formatCount(ids.length, 'device')} out of ${name} of ${app.slug}?`)
  show(session, await session.api.changeCohort(app.id, name, { remove: ids }))
}

async function replaceDevices(context: CliContext, name: string, options: CsvOptions & { csv: string }) {
  const session = await openSession(context, options)
  const csv = await readCsv(context, options.csv)
  const app = await session.chooseApp()
  await session.confirm(`Make the list of ${name} of ${app.slug} anew from ${options.csv}?`)
  show(session, await session.api.uploadCohort(app.id, name, csv, { replace: true }))
}

async function deleteCohort(context: CliContext, name: string, options: SessionOptions) {
  const { api, chooseApp, confirm, output } = await openSession(context, options)
  const app = await chooseApp()
  await confirm(`Delete the cohort ${name} of ${app.slug}?`)
  await api.deleteCohort(app.id, name)
  output.result({ deleted: name }, () => output.line(`Deleted the cohort ${name}.`))
}

function show({ output }: Session, cohort: Cohort) {
  output.result(cohort, () => output.fields(cohort))
}

async function readCsv(context: CliContext, file: string): Promise<string> {
  try {
    return await readFile(resolve(context.cwd, file), 'utf8')
  } catch (cause) {
    throw new CommandError('file-unreadable', `The file ${file} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}
