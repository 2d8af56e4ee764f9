import { answerQuestions } from '../../ground/threads/answer-questions.ts'
import { giveWay } from '../../ground/threads/give-way.ts'
import type { PatchAnswer, PatchQuestion } from './patches.ts'
import { writeFilePatch } from './write-file-patch.ts'
import { writeTreePatches } from './write-tree-patches.ts'

giveWay()

answerQuestions((question: PatchQuestion, signal: AbortSignal): Promise<PatchAnswer> => {
  const { kind } = question
  return kind === 'tree' ? writeTreePatches(question, signal) : writeFilePatch(question, kind, signal)
})
