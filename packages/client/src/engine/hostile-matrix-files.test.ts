import { describeHostileMatrix } from '../testing/hostile-matrix.ts'

describeHostileMatrix('files')
