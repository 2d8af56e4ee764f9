import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import type { CliContext } from '../process/context.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'

const run = promisify(execFile)

/** Of what git prints, and of any file that is read: a lock file of a large monorepo has a few megabytes. */
const MAX_BYTES = 64 * 1024 * 1024

/** The trees of two commits of one repository, seen from a folder in it. Nothing in the repository is changed or run. */
export interface GitTrees {
  /** Of the repository: `apps/mobile/`, or empty for its root. */
  prefix: string
  from: Commit
  to: Commit
  /** Every path that differs, of the whole repository. A renamed file is both its names. */
  listChanged(): Promise<string[]>
  /** Undefined when the commit has no such file. */
  read(commit: Commit, path: string): Promise<string | undefined>
  /** Whether the commit has something at this path of the repository. */
  has(commit: Commit, path: string): Promise<boolean>
}

export interface Commit {
  /** As it was asked for. */
  ref: string
  sha: string
}

/** @throws CommandError git-missing, not-a-repository, or ref-unknown, which says how a shallow clone gets the commit */
export async function openGitTrees(
  { env, signal }: Pick<CliContext, 'env' | 'signal'>,
  directory: string,
  refs: { from: string; to: string },
): Promise<GitTrees> {
  async function git(...args: string[]): Promise<string> {
    const { stdout } = await run('git', args, {
      cwd: directory,
      // The words of errors are read; a hook or a pager of somebody's own must not stand between.
      env: { ...env, LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' },
      maxBuffer: MAX_BYTES,
      signal,
    })
    return stdout
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
      throw refUnknown(ref, isShallow, cause)
    }
  }

  const [from, to] = await Promise.all([findCommit(refs.from), findCommit(refs.to)])

  async function entriesAt(commit: Commit, path: string): Promise<string> {
    return git('ls-tree', '-z', '--full-tree', commit.sha, '--', path.replace(/\/$/, ''))
  }

  return {
    prefix: prefix.trimEnd(),
    from,
    to,
    async listChanged() {
      const args = ['diff-tree', '-r', '-z', '--no-renames', '--name-only', '--no-ext-diff', from.sha, to.sha]
      return (await git(...args)).split('\0').filter((path) => path !== '')
    },
    async read(commit, path) {
      const [entry] = (await entriesAt(commit, path)).split('\0')
      const blob = /^\d+ blob ([0-9a-f]+)\t/.exec(entry ?? '')?.[1]
      return blob === undefined ? undefined : git('cat-file', 'blob', blob)
    },
    has: async (commit, path) => (await entriesAt(commit, path)) !== '',
  }
}

function notReadable(error: unknown, directory: string): unknown {
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
