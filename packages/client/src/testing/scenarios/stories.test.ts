import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { playStory } from './play-story.ts'
import type { StoryFile } from './story.ts'

// vectors/engine/stories
const FOLDER = new URL('../../../../../vectors/engine/stories/', import.meta.url)

// Every change is the crash matrix's; here it is seen that the file by itself tells the same.
const STRIDE = 23

describe.each(readdirSync(FOLDER).toSorted())('%s', (name) => {
  const file = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as StoryFile
  const { changes, told } = file

  test('undisturbed', async () => {
    expect(await playStory(file)).toEqual({ changes, told, cuts: 0 })
  })

  test.each(['nothing', 'everything'] as const)(
    'the power goes, and %s survives that was not synced',
    async (survives) => {
      for (let stopAt = 1; stopAt <= changes; stopAt += STRIDE) {
        const life = await playStory(file, { stopAt, survives })
        expect(life, `stopped at ${stopAt}`).toMatchObject({ told, cuts: 1 })
      }
    },
  )
})
