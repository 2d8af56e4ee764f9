import { readObject, readOptional, readString } from '@hotpatch/protocol'
import { reactNativeContract } from '../server/react-native-contract.ts'
import type { UpdateContract } from '../server/update-contract.ts'

/** The fake server's: that of React Native, with releases of files beside archives. */
export const testContract: UpdateContract = {
  ...reactNativeContract,
  readAnswer(json) {
    const answer = reactNativeContract.readAnswer(json)
    const fileUrl = readOptional(readObject(json, '').fileUrl, (value) => readString(value, '/fileUrl'))
    if (answer.kind !== 'offer' || fileUrl === undefined) return answer
    return { ...answer, offer: { ...answer.offer, kind: 'files', fileUrl } }
  },
}
