import { compileCatalog, decide, type CatalogRollout } from '@hotpatch/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codePush } from './code-push.ts'

/** A release as CodePush's own server has it in the history of a deployment, oldest first. */
interface Package {
  isDisabled: boolean
  isMandatory: boolean
  /** The lowest version of the binary that can run it. */
  minimum: number
}

/** What that server answers to a client that has the release with this index, -1: nothing of it. */
function originalAnswer(history: readonly Package[], clientHas: number, binary: number) {
  let hasMet = false
  let found: number | undefined
  let isMandatory = false
  for (let index = history.length - 1; index >= 0; index--) {
    const release = history[index]
    hasMet ||= index === clientHas
    if (!release || release.isDisabled || release.minimum > binary) continue
    found ??= index
    if (hasMet) break
    if (release.isMandatory) {
      isMandatory = true
      break
    }
  }
  if (found === undefined || found === clientHas) return null
  return { index: found, isMandatory: isMandatory || history[found]?.isMandatory === true }
}

const history = fc.array(
  fc.record({ isDisabled: fc.boolean(), isMandatory: fc.boolean(), minimum: fc.integer({ min: 1, max: 3 }) }),
  { maxLength: 8 },
)

test("Code Push §3: what is offered, and whether it is mandatory, is what CodePush's own server says", () => {
  fc.assert(
    fc.property(history, fc.integer({ min: -1, max: 7 }), fc.integer({ min: 1, max: 3 }), (packages, at, binary) => {
      const clientHas = at < packages.length ? at : -1
      const rollouts = packages.map((release, index): CatalogRollout => {
        const id = `release-${index}`
        const requirement = { minNativeVersion: `${release.minimum}.0` }
        const target = { id, version: id, sequence: index, requirement, floor: 0, keyId: null, isStated: false }
        const audience = { devices: [], cohorts: [], percentage: 100, buckets: 10_000 as const, rules: [], slice: null }
        return {
          id: `rollout-${index}`,
          position: index + 1,
          target,
          state: release.isDisabled ? 'halted' : 'active',
          startsAt: null,
          mandatory: release.isMandatory,
          audience,
          restated: null,
        }
      })
      const place = { appId: 'app', platform: 'android', channel: 'production', generation: 1 } as const
      const device = {
        id: 'device-1',
        nativeVersion: `${binary}.0`,
        currentReleaseId: clientHas < 0 ? null : `release-${clientHas}`,
        failedReleaseIds: [],
        cohorts: [],
        takes: codePush().takes({}),
      }
      const decision = decide(compileCatalog({ ...place, rollouts }), device, 0)
      const ours =
        decision.kind === 'update'
          ? { index: Number(decision.release.id.replace('release-', '')), isMandatory: decision.mandatory }
          : null
      expect(ours).toEqual(originalAnswer(packages, clientHas, binary))
    }),
    { numRuns: 2_000 },
  )
})
