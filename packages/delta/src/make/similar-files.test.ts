import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { createSimilarFiles, sketchOf } from './similar-files.ts'

function code(seed: string, lines: number): Buffer {
  const line = (number: number) => createHash('sha256').update(`${seed}/${number}`).digest('hex')
  return Buffer.from(Array.from({ length: lines }, (_, number) => line(number)).join('\n'))
}

function known(files: Record<string, Buffer>) {
  const similar = createSimilarFiles()
  for (const [number, [path, bytes]] of Object.entries(files).entries()) {
    similar.add(number, { path, sizeBytes: bytes.length, sha256: '' }, sketchOf(bytes))
  }
  return similar
}

test('by content, wherever in the file it is', () => {
  const similar = known({ 'a.js': code('a', 100), 'b.js': code('b', 100) })
  expect(similar.find('c.js', sketchOf(Buffer.concat([Buffer.from('in front'), code('b', 90)])))).toBe(1)
  expect(similar.find('c.js', sketchOf(code('c', 100)))).toBeUndefined()
})

test('the same name is preferred, unless another file has much more of it', () => {
  const similar = known({
    '1.js': code('a', 100),
    '2.js': code('b', 100),
    '3.js': Buffer.concat([code('a', 100), code('c', 60)]),
  })
  expect(similar.find('3.js', sketchOf(code('a', 100)))).toBe(2)
  expect(similar.find('1.js', sketchOf(code('b', 100)))).toBe(1)
  expect(similar.find('1.js', sketchOf(code('d', 100)))).toBe(0)
})

test('what every file has says nothing', () => {
  const shared = code('shared', 100)
  const similar = known(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`${index}.js`, shared])))
  expect(similar.find('new.js', sketchOf(shared))).toBeUndefined()
})
