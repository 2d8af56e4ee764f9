import { readStandardInput } from '../arguments/standard-input.ts'
import { checkToken } from '../config/connection.ts'
import { UsageError } from '../errors/errors.ts'
import { createQuestions } from '../output/questions.ts'
import type { CliContext } from '../process/context.ts'

const VARIABLE = 'HOTPATCH_SOURCE_TOKEN'

/** Never as an argument: the list of processes and the history of a shell would have it. */
export interface SourceTokenOptions {
  sourceTokenStdin?: boolean
}

/** Of the server that is imported from. @param isAsked whether somebody is asked for it where it is not given */
export async function findSourceToken(
  context: CliContext,
  { sourceTokenStdin }: SourceTokenOptions,
  isAsked: boolean,
): Promise<string | undefined> {
  if (sourceTokenStdin) {
    return checkToken({ value: await readStandardInput(context.stdin, 'a token'), source: 'Standard input' })
  }
  const given = context.env[VARIABLE]
  if (given) return checkToken({ value: given, source: VARIABLE })
  if (!isAsked) return undefined
  if (!context.isTTY) {
    throw new UsageError(`The access key of the source is missing. Give ${VARIABLE} or --source-token-stdin.`)
  }
  return checkToken({
    value: await createQuestions(context).secret('Access key of the source'),
    source: 'The answer',
  })
}
