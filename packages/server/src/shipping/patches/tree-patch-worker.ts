import { answerQuestions } from '../../ground/threads/answer-questions.ts'
import { giveWay } from '../../ground/threads/give-way.ts'
import { writeTreePatches } from './write-tree-patches.ts'

giveWay()

answerQuestions(writeTreePatches)
