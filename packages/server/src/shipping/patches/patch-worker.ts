import { answerQuestions } from '../../ground/threads/answer-questions.ts'
import { giveWay } from '../../ground/threads/give-way.ts'
import type { PatchAnswer, PatchQuestion } from './patch-question.ts'
import { writeFilePatch } from './write-file-patch.ts'
import { writeTreePatches } from './write-tree-patches.ts'

giveWay()

answerQuestions((question: PatchQuestion, signal: AbortSignal): Promise<PatchAnswer> => {
  return question.kind === 'tree' ? writeTreePatches(question, signal) : writeFilePatch(question, signal)
})
