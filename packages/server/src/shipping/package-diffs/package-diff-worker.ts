import { answerQuestions } from '../../ground/threads/answer-questions.ts'
import { giveWay } from '../../ground/threads/give-way.ts'
import { writePackageDiff } from './write-package-diff.ts'

giveWay()

answerQuestions(writePackageDiff)
