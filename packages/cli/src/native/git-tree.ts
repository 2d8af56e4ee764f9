import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { devNull } from 'node:os'
import { promisify } from 'node:util'
import type { CliContext } from '../process/context.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'

const run = promisify(execFile)

/** Of what git prints, and of any file that is read: a lock file of a large monorepo has a few megabytes. */
const MAX_BYTES = 64 * 1024 * 1024

/**
 * The trees of two commits of one repository, seen from a folder in it. Nothing in the repository is changed, nothing of
 * its configuration is run, and nothing is fetched.
 */
export interface GitTrees {
  /** Of the repository: `apps/mobile/`, or empty for its root. */
  prefix: string
  from: Commit
  to: Commit
  /** Every path that differs, of the whole repository, submodules too. A renamed file is both its names. */
  listChanged(): Promise<string[]>
  /** Undefined when the commit has no such file. @throws CommandError path-is-link, git-object-missing, file-too-large */
  read(commit: Commit, path: string): Promise<string | undefined>
  /** Whether the commit has something at this path of the repository. */
  has(commit: Commit, path: string): Promise<boolean>
  /** Of a link that the commit has at this path, or above it within the repository, its path; what it leads to is elsewhere. */
  findLink(commit: Commit, path: string): Promise<string | undefined>
}

export interface Commit {
  /** As it was asked for. */
  ref: string
  sha: string
}

/** Where git is run by a hook, they name the repository of the hook: here the folder says which it is. */
const OF_ANOTHER_REPOSITORY = [
  'GIT_DIR',
  'GIT_COMMON_DIR',
  'GIT_WORK_TREE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_GRAFT_FILE',
  'GIT_SHALLOW_FILE',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
]

function environmentOf(env: CliContext['env']): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(([name]) => !OF_ANOTHER_REPOSITORY.includes(name))
  return {
    ...Object.fromEntries(own),
    // The words of errors are read.
    LC_ALL: 'C',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    // A path of the repository is no pattern, and a commit is the one that was signed or tagged.
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    // Of a partial clone git would fetch what is missing, by a command that the repository's configuration names. The
    // second is for git before 2.45, which does not know the first.
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
  }
}

/**
 * Before the repository's own configuration, whose programs git would run as soon as it reads the index. And a folder that
 * looks like a repository without a working tree may be files of another one.
 */
const OPTIONS = ['core.fsmonitor=false', `core.hooksPath=${devNull}`, 'safe.bareRepository=explicit'].flatMap(
  (setting) => ['-c', setting],
)

/** @throws CommandError git-missing, not-a-repository, or ref-unknown, which says how a shallow clone gets the commit */
export async function openGitTrees(
  { env, signal }: Pick<CliContext, 'env' | 'signal'>,
  directory: string,
  refs: { from: string; to: string },
): Promise<GitTrees> {
  async function git(...args: string[]): Promise<string> {
    const options = { cwd: directory, env: environmentOf(env), maxBuffer: MAX_BYTES, signal }
    try {
      return (await run('git', [...OPTIONS, ...args], options)).stdout
    } catch (error) {
      throw explained(error)
    }
  }

  const prefix = await git('rev-parse', '--show-prefix').catch((error: unknown) => {
    throw notReadable(error, directory)
  })
  const isShallow = (await git('rev-parse', '--is-shallow-repository')).trim() === 'true'

  async function findCommit(ref: string): Promise<Commit> {
    try {
      const sha = await git('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`)
      return { ref, sha: sha.trim() }
    } catch (cause) {
      if (cause instanceof CommandError) throw cause
      throw refUnknown(ref, isShallow, cause)
    }
  }

  const [from, to] = await Promise.all([findCommit(refs.from), findCommit(refs.to)])

  async function entryAt(commit: Commit, path: string) {
    const [entry] = (await git('ls-tree', '-z', '--full-tree', commit.sha, '--', path.replace(/\/$/, ''))).split('\0')
    const [, mode, type, object] = /^(\d+) (\w+) ([0-9a-f]+)\t/.exec(entry ?? '') ?? []
    return { mode, type, object }
  }

  async function findLink(commit: Commit, path: string): Promise<string | undefined> {
    const parts = path.split('/')
    for (const end of parts.keys()) {
      const place = parts.slice(0, end + 1).join('/')
      if (place !== '' && (await entryAt(commit, place)).mode === LINK) return place
    }
    return undefined
  }

  return {
    prefix: prefix.replace(/\n$/, ''),
    from,
    to,
    async listChanged() {
      const whatever = ['--no-renames', '--no-ext-diff', '--no-textconv', '--no-relative', '--ignore-submodules=none']
      return (await git('diff-tree', '-r', '-z', '--name-only', ...whatever, from.sha, to.sha))
        .split('\0')
        .filter((path) => path !== '')
    },
    async read(commit, path) {
      const { mode, type, object } = await entryAt(commit, path)
      if (mode === LINK) throw isLink(path, commit)
      return type === 'blob' && object !== undefined ? git('cat-file', 'blob', object) : undefined
    },
    has: async (commit, path) => (await entryAt(commit, path)).object !== undefined,
    findLink,
  }
}

/** As a tree has them. */
const LINK = '120000'

export function isLink(path: string, { ref }: Commit): CommandError {
  const message = `Expected a file or folder at ${path} in ${ref}, found a symbolic link: what it leads to could change unseen.`
  return new CommandError(
    'path-is-link',
    `${message} Put there what it leads to, or name the app's real folder: --project.`,
  )
}

/** What git says of objects that a partial clone left out, by its version. */
const MISSING =
  /promisor|lazy fetch|transport '[^']*' not allowed|bad object|unable to read|could not get object|missing/i

function explained(error: unknown): unknown {
  if (hasCode(error, 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')) {
    const message = `Expected at most ${MAX_BYTES} bytes of one file or list, and git has more.`
    return new CommandError('file-too-large', message, { cause: error })
  }
  const { stderr } = error as { stderr?: unknown }
  if (typeof stderr !== 'string' || !MISSING.test(stderr)) return error
  const advice =
    'This clone is partial, and nothing is fetched here: fetch it whole with `git fetch --refetch --no-filter origin`, or clone without --filter.'
  return new CommandError('git-object-missing', `git does not have all of the two commits. ${advice}`, { cause: error })
}

function notReadable(error: unknown, directory: string): unknown {
  if (error instanceof CommandError) return error
  // Node says the same of a program and of a folder that are not there.
  if (!existsSync(directory)) return new CommandError('project-missing', `There is no folder ${directory}.`)
  if (hasCode(error, 'ENOENT')) {
    return new CommandError('git-missing', 'git could not be started: it is not on PATH. Install it.', { cause: error })
  }
  const { stderr } = error as { stderr?: unknown }
  const said = (typeof stderr === 'string' && stderr.trim()) || systemReason(error)
  return new CommandError('not-a-repository', `${directory} cannot be read as a git repository: ${said}`, {
    cause: error,
  })
}

function refUnknown(ref: string, isShallow: boolean, cause: unknown): CommandError {
  const advice = isShallow
    ? `This clone is shallow: fetch it with \`git fetch --depth=1 origin ${ref}\` (for a tag: \`git fetch --depth=1 origin tag ${ref}\`), or clone with the whole history.`
    : 'Name a commit, a tag or a branch that `git log` shows here; a tag of the server may have to be fetched first: `git fetch --tags`.'
  return new CommandError('ref-unknown', `Expected a commit of this repository, found "${ref}". ${advice}`, { cause })
}
