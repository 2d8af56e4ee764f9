import { parseJson, readObject, UnexpectedJsonError } from '../json-reader.ts'
import { readOnly, readTime } from './manifest.ts'

/** Expo §4: what is said instead of a manifest. Any other type is an error to the client. */
export type ExpoDirective =
  | { type: 'noUpdateAvailable' }
  | { type: 'rollBackToEmbedded'; parameters: { commitTime: string } }

export function writeExpoDirective(directive: ExpoDirective): string {
  if (directive.type === 'noUpdateAvailable') return JSON.stringify({ type: directive.type })
  const { commitTime } = directive.parameters
  return JSON.stringify({ type: directive.type, parameters: { commitTime } })
}

/** @throws UnexpectedJsonError with the place of the first thing that is not as it must be */
export function readExpoDirective(text: string): ExpoDirective {
  const json = readObject(parseJson(text), '')
  const { type } = json
  if (type === 'noUpdateAvailable') {
    readOnly(json, '', ['type'])
    return { type }
  }
  if (type !== 'rollBackToEmbedded') {
    throw new UnexpectedJsonError('/type', '"noUpdateAvailable" or "rollBackToEmbedded"', type)
  }
  readOnly(json, '', ['type', 'parameters'])
  const parameters = readObject(json.parameters, '/parameters')
  readOnly(parameters, '/parameters', ['commitTime'])
  return { type, parameters: { commitTime: readTime(parameters.commitTime, '/parameters/commitTime') } }
}
