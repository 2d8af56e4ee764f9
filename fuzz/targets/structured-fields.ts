import {
  readDictionary,
  readList,
  StructuredFieldError,
  writeDictionary,
} from '../../packages/protocol/src/expo/structured-fields.ts'
import { Broken, type Target } from '../engine/target.ts'
import { textOf } from '../reading/texts.ts'

export const target: Target = {
  reads: 'structured fields of RFC 8941',
  maxBytes: 600,
  read(input) {
    const text = textOf(input)
    const faults = [readDictionary, readList].map((read) => {
      try {
        read(text)
        return undefined
      } catch (error) {
        return error
      }
    })
    for (const fault of faults) if (fault !== undefined && !(fault instanceof StructuredFieldError)) throw fault
    const written = writeDictionary({ text: text.replaceAll(/[^ -~]/g, ''), flag: true, count: 7 })
    if (readDictionary(written).size !== 3) throw new Broken('what is written is not read as it was')
  },
  refuses: () => false,
}

export function seeds() {
  return [
    'a=1, b=?0, c="x\\"y", d=tok/en, e=:aGk=:, f=(1 2);q=1',
    'sig, keyid="main", alg="rsa-v1_5-sha256"',
    '"a";n=1.5, (a b);x, :YQ:',
    '-15',
    'a=1.123;b=*c',
  ]
}
