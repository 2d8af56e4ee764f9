import { describe, expect, test } from 'vitest'
import type { HttpRequest } from '@hotpatch/device-ground'
import { createFakeServer, SERVER, type FakePatch, type Target } from '../../testing/fake-server.ts'
import { patchBetween, patchFromEmbedded } from '../../testing/patches.ts'
import { createPublisher, type PublishedRelease } from '../../testing/publisher.ts'
import { holdVectors } from '../../testing/scenarios/hold-vectors.ts'
import { playStory } from '../../testing/scenarios/play-story.ts'
import { createNames } from '../../testing/scenarios/record-scenario.ts'
import { scenarioDevice } from '../../testing/scenarios/test-device.ts'
import type { StoryFile, StoryTarget } from '../../testing/scenarios/story.ts'

const publisher = createPublisher('archive', 'publisher')
const shipped = publisher.publish({ version: '0.9.0', sequence: 9 })
const v1 = publisher.publish({ version: '1.0.0', sequence: 10 })
const v2 = publisher.publish({ version: '1.1.0', sequence: 11, floor: 5 })
const bad = publisher.publish({ version: '1.2.0', sequence: 12 })
const TARGETS: Record<string, Target> = {
  first: { release: v1 },
  second: { release: v2 },
  bad: { release: bad },
  embedded: { embedded: publisher.orderEmbedded(13) },
}

/** What the fake server answers to one who runs this, and takes every patch. */
async function answerTo(target: Target, patches: readonly FakePatch[], runs: string | null): Promise<Uint8Array> {
  const server = createFakeServer()
  server.target = target
  server.patches = patches
  const told = { failedReleaseIds: [], patches: patches.map(({ offer }) => offer.format) }
  const body = JSON.stringify({ ...told, ...(runs !== null && { releaseId: runs }) })
  const request: HttpRequest = { method: 'POST', url: `${SERVER}/update/check`, headers: {}, body }
  const { body: answer } = await server.http.open(request).response
  const chunks: Uint8Array[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The whole life: two good releases, one that never confirms, the older of the good ones, and embedded again. */
async function writeStory(comment: string, patches: readonly FakePatch[]): Promise<StoryFile> {
  const names = createNames()
  const releases = [v1, v2, bad]
  const targets: Record<string, StoryTarget> = {}
  const artifacts: Record<string, string> = {}
  const add = (release: PublishedRelease) =>
    Object.fromEntries(
      [...release.files].map(([path, bytes]) => [path, names.body(bytes, `${release.version}/${path}`)]),
    )
  const embedded = patches.length > 0 ? { embedded: add(shipped) } : {}
  for (const { version, sha256, bundle } of releases)
    artifacts[`${SERVER}/artifacts/${sha256}`] = names.body(bundle, `bundle-${version}`)
  for (const [index, { bytes, offer }] of patches.entries())
    artifacts[offer.url] = names.body(bytes, `patch-${index + 1}`)
  for (const [name, target] of Object.entries(TARGETS)) {
    const releaseId = target && 'release' in target ? target.release.releaseId : null
    const fitting = patches.filter(({ to }) => to === releaseId)
    targets[name] = {
      releaseId,
      answer: names.body(await answerTo(target, [], 'another'), `answer-${name}`),
      patches: await Promise.all(
        fitting.map(async (patch) => ({
          from: patch.from,
          format: patch.offer.format,
          answer: names.body(await answerTo(target, [patch], patch.from ?? 'another'), `answer-${name}-patch`),
        })),
      ),
    }
  }
  const story: StoryFile = {
    section: 'Engine §6',
    comment,
    device: scenarioDevice([publisher.publicKey], embedded),
    bodies: names.bodies,
    releases: Object.fromEntries(releases.map((release) => [release.releaseId, add(release)])),
    targets,
    artifacts,
    goals: [
      { target: 'first', isReached: { runs: '1.0.0', standing: 'confirmed' } },
      { target: 'second', isReached: { runs: '1.1.0', standing: 'confirmed' } },
      { target: 'bad', isReached: { runs: '1.1.0', hasFailed: true } },
      { target: 'embedded', isReached: { runs: 'embedded' } },
    ],
    confirms: ['1.0.0', '1.1.0'],
    changes: 0,
    told: [],
  }
  const { changes, told } = await playStory(story)
  return { ...story, changes, told }
}

describe('stories', () => {
  test('of archives', async () => {
    const story = await writeStory(
      'Two good releases, one that never confirms itself, and embedded again: whole archives.',
      [],
    )
    expect(story.changes).toBeGreaterThan(300)
    await holdVectors('stories/archives.json', story)
  })

  test('of patches', async () => {
    const story = await writeStory(
      'The same: the first comes as a patch of what the binary shipped with, the second as one of that, the bad one packed.',
      [
        await patchFromEmbedded(shipped, v1),
        await patchBetween(v1, v2, 'hpdelta1-deflate'),
        await patchBetween(null, bad),
      ],
    )
    expect(story.changes).toBeGreaterThan(300)
    await holdVectors('stories/patches.json', story)
  })
})
