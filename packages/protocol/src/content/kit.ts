import { readArray, readObject, readString, UnexpectedJsonError } from '../json-reader.ts'
import { MAX_ARTIFACTS } from './content-artifact.ts'
import { expectAllNamed, readArtifactName, type ContentReader } from './content-reader.ts'

/** Content §6: components of one system, in the order in which they are applied. */
export interface KitContent {
  kind: 'kit'
  components: readonly KitComponent[]
}

export interface KitComponent {
  /** Such as "gateway". */
  id: string
  version: string
  artifact: string
}

const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/

export const kitReader: ContentReader<KitContent> = {
  read(json, artifacts) {
    const pointer = '/content/components'
    const components = readArray(json.components, pointer, MAX_ARTIFACTS).map((each, index) => {
      const at = `${pointer}/${index}`
      const component = readObject(each, at)
      return {
        id: readString(component.id, `${at}/id`, { pattern: ID, expected: 'a name in lower case' }),
        version: readString(component.version, `${at}/version`),
        artifact: readArtifactName(component.artifact, `${at}/artifact`, artifacts),
      }
    })
    if (components.length === 0) throw new UnexpectedJsonError(pointer, 'at least one component', json.components)
    for (const [index, { id }] of components.entries()) {
      const isFirst = components.findIndex((other) => other.id === id) === index
      if (!isFirst) throw new UnexpectedJsonError(`${pointer}/${index}/id`, 'an id of its own', id)
    }
    expectAllNamed(
      artifacts,
      components.map(({ artifact }) => artifact),
    )
    return { kind: 'kit', components }
  },
  write: ({ kind, components }) => ({
    kind,
    components: components.map(({ id, version, artifact }) => ({ id, version, artifact })),
  }),
}
