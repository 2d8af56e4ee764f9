import { describe, expect, test } from 'vitest'
import { writeAtomically } from '../ground/durable-files.ts'
import { describeKitDisk } from './disk-suite.ts'
import { createLossyDisk, PowerCutError, type LossyDisk, type Survival } from './lossy-disk.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

describeKitDisk('in memory', async () => createLossyDisk())

describe('a power cut', () => {
  test('takes content and names that were not synced, in the worst case', async () => {
    const disk = createLossyDisk()
    await disk.write('synced', bytesOf('1'))
    await disk.syncDirectory('')
    await disk.append('synced', 0, bytesOf('2'))
    await disk.write('nameless', bytesOf('x'))
    await disk.remove('synced')
    const worst = disk.cutPower('worst')
    expect([...worst.entries()]).toEqual([['synced', { kind: 'file', bytes: bytesOf('1'), mode: 0o644 }]])
    await expect(disk.read('synced')).rejects.toThrow(PowerCutError)
  })

  test('takes nothing in the best case', async () => {
    const disk = createLossyDisk()
    await disk.append('a', 0, bytesOf('2'))
    expect(disk.cutPower('best').entries().size).toBe(1)
  })

  test('leaves an old link or a new one, never none', async () => {
    const disk = createLossyDisk()
    await disk.makeDirectory('.kit/versions/web')
    await disk.link('.kit/versions/web/1', 'web')
    await disk.syncDirectory('')
    await disk.link('.kit/versions/web/2', 'web')
    expect(disk.copy().cutPower('best').entries().get('web')).toEqual({ kind: 'link', target: '.kit/versions/web/2' })
    expect(disk.cutPower('worst').entries().get('web')).toEqual({ kind: 'link', target: '.kit/versions/web/1' })
  })

  test('takes rights that were not synced', async () => {
    const disk = createLossyDisk()
    await disk.write('a', bytesOf('x'))
    await disk.syncDirectory('')
    disk.arrange({ stopAt: 2 })
    await expect(disk.setExecutable('a', true)).rejects.toThrow(PowerCutError)
    expect(disk.cutPower('worst').entries().get('a')).toMatchObject({ mode: 0o644 })
  })

  test('leaves one content or the other of what is written atomically, at every change', async () => {
    const survivals: Survival[] = ['worst', 'best', ...[0.1, 0.4, 0.7, 0.9].map((value) => ({ random: () => value }))]
    for (const survival of survivals) {
      for (let stopAt = 1; ; stopAt += 1) {
        const disk: LossyDisk = createLossyDisk()
        await writeAtomically(disk, 'a', bytesOf('old'))
        disk.arrange({ stopAt })
        const isDone = await writeAtomically(disk, 'a', bytesOf('new!')).then(
          () => true,
          () => false,
        )
        const left = new TextDecoder().decode(await disk.cutPower(survival).read('a'))
        expect(isDone ? ['new!'] : ['old', 'new!']).toContain(left)
        if (isDone) break
      }
    }
  })
})

describe('a full disk', () => {
  test('takes what fits, and says so', async () => {
    const disk = createLossyDisk()
    await disk.write('big', new Uint8Array(200))
    disk.arrange({ fullAt: 1 })
    await expect(disk.write('a', bytesOf('x'))).rejects.toMatchObject({ code: 'ENOSPC' })
    await expect(disk.makeDirectory('d')).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await disk.freeBytes?.()).toBe(0)
  })

  test('has room again for as much as was removed', async () => {
    const disk = createLossyDisk()
    await disk.write('big', new Uint8Array(200))
    disk.arrange({ fullAt: 1 })
    await disk.remove('big')
    await disk.write('a', new Uint8Array(150))
    await expect(disk.write('b', new Uint8Array(100))).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await disk.stat('b')).toMatchObject({ sizeBytes: 50 })
  })
})
