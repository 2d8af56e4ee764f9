import { isAbsolute, join, relative } from 'node:path'
import { styleText } from 'node:util'

export interface Started {
  version: string
  /** Where to reach it. */
  url: string
  dataDirectory: string
  database: 'sqlite' | 'postgres'
  /** Only at the very first start. */
  ownerTokenFile: string | undefined
  /** Until there is an owner who signs in: where to become that, and where that address stands, too. */
  welcome: { link: string; file: string; minutes: number } | undefined
  /** What whoever runs it should know. */
  notices: readonly string[]
}

const MAX_WIDTH = 100

/**
 * What a start says to the person at the terminal. The owner token itself is not said, as terminals are recorded; the
 * link is, as it works once, and not for long.
 */
export function describeStart(started: Started, directory: string): string {
  const { version, url, database, ownerTokenFile, welcome, notices } = started
  const data = pathFrom(directory, started.dataDirectory)
  const lines = [
    `${styleText('bold', `HotPatch ${version}`)} listens on ${styleText('bold', url)}`,
    `Data:           ${data} (${database === 'sqlite' ? 'SQLite' : 'artifacts; the database is PostgreSQL'})`,
    `Console:        ${url}/dashboard/`,
    `API reference:  ${url}/manage/v1/reference`,
  ]
  if (welcome) lines.push('', ...firstOwner(welcome))
  if (ownerTokenFile !== undefined) lines.push('', ...firstSteps(url, pathFrom(directory, ownerTokenFile)))
  for (const notice of notices) lines.push('', ...wrapped(notice))
  return `\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n\n`
}

function firstOwner({ link, minutes }: NonNullable<Started['welcome']>): string[] {
  return [
    'Nobody can sign in yet. Open this link to make the account of the owner:',
    '',
    `  ${styleText('bold', link)}`,
    '',
    `It works once, for ${minutes} minutes; every start makes a new one until there is an owner.`,
  ]
}

function firstSteps(url: string, tokenFile: string): string[] {
  return [
    `This is the first start. For scripts there is an owner token in ${tokenFile}. In another terminal:`,
    '',
    `  npx hotpatch login --url ${url} --token-stdin < ${quoted(tokenFile)}`,
    '  npx hotpatch apps create my-app',
    '  npx hotpatch keys generate',
  ]
}

/** As whoever stands in `directory` would write it. */
function pathFrom(directory: string, path: string): string {
  const near = relative(directory, path)
  return near === '' || near.startsWith('..') || isAbsolute(near) ? path : join(near)
}

/** For a shell. */
function quoted(path: string): string {
  return /^[\w./:\\-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

function wrapped(text: string): string[] {
  return text.match(new RegExp(`.{1,${MAX_WIDTH}}(?:\\s|$)`, 'g'))?.map((line) => line.trimEnd()) ?? [text]
}
