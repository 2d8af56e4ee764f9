import { describe, expect, test } from 'vitest'
import { makeDurableDirectory, removeDurably, writeAtomically } from '../ground/durable-files.ts'
import type { KitDisk } from '../ground/kit-disk.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

const VERSION = '.kit/versions/web/1'

/** What every KitDisk does, whatever it lies on. */
export function describeKitDisk(name: string, create: () => Promise<KitDisk>): void {
  async function textAt(disk: KitDisk, path: string): Promise<string | undefined> {
    const bytes = await disk.read(path)
    return bytes && new TextDecoder().decode(bytes)
  }

  async function withVersion(): Promise<KitDisk> {
    const disk = await create()
    await makeDurableDirectory(disk, VERSION)
    await disk.write(`${VERSION}/index.html`, bytesOf('one'))
    return disk
  }

  describe(`${name}: files`, () => {
    test('what is written is read, whole and in part', async () => {
      const disk = await create()
      await disk.write('a', bytesOf('abcdef'))
      expect(await textAt(disk, 'a')).toBe('abcdef')
      expect(await disk.readRange('a', 4, 10)).toEqual(bytesOf('ef'))
      await disk.write('a', bytesOf('xy'))
      expect(await textAt(disk, 'a')).toBe('xy')
      expect(await disk.stat('a')).toEqual({ kind: 'file', sizeBytes: 2 })
    })

    test('what is not there is undefined', async () => {
      const disk = await create()
      await disk.write('file', bytesOf('x'))
      for (const path of ['a', 'a/b', 'file/b']) {
        expect(await disk.read(path)).toBeUndefined()
        expect(await disk.stat(path)).toBeUndefined()
        expect(await disk.list(path)).toBeUndefined()
        expect(await disk.readLink(path)).toBeUndefined()
        expect(await disk.rights(path)).toBeUndefined()
        await disk.remove(path)
      }
      expect(await disk.list('file')).toBeUndefined()
      await expect(disk.sync('a')).rejects.toMatchObject({ code: 'ENOENT' })
      await expect(disk.write('a/b', bytesOf('x'))).rejects.toMatchObject({ code: 'ENOENT' })
      await expect(disk.rename('a', 'b')).rejects.toMatchObject({ code: 'ENOENT' })
    })

    test('append cuts off what lay beyond', async () => {
      const disk = await create()
      await disk.append('a', 0, bytesOf('abcdef'))
      await disk.append('a', 2, bytesOf('X'))
      await disk.sync('a')
      expect(await textAt(disk, 'a')).toBe('abX')
    })

    test('a directory is no file', async () => {
      const disk = await create()
      await disk.makeDirectory('d')
      await expect(disk.read('d')).rejects.toMatchObject({ code: 'EISDIR' })
      await expect(disk.write('d', bytesOf('x'))).rejects.toMatchObject({ code: 'EISDIR' })
      await expect(disk.makeDirectory('d')).resolves.toBeUndefined()
    })

    test('of two that create a file, one does', async () => {
      const disk = await create()
      const created = await Promise.all([1, 2, 3, 4].map((who) => disk.create('lock', bytesOf(String(who)))))
      expect(created.filter(Boolean)).toHaveLength(1)
      expect(await textAt(disk, 'lock')).toBe(String(created.indexOf(true) + 1))
    })

    test('names are listed in their order', async () => {
      const disk = await create()
      await disk.makeDirectory('d/z')
      for (const name of ['b', 'a', 'c']) await disk.write(`d/${name}`, bytesOf(name))
      expect(await disk.list('d')).toEqual(['a', 'b', 'c', 'z'])
      expect(await disk.list('')).toEqual(['d'])
    })

    test('a file takes the place of another, a directory of nothing', async () => {
      const disk = await create()
      await disk.write('a', bytesOf('a'))
      await disk.write('b', bytesOf('b'))
      await disk.rename('a', 'b')
      expect(await textAt(disk, 'b')).toBe('a')
      expect(await disk.stat('a')).toBeUndefined()
      await disk.makeDirectory('from/below')
      await disk.makeDirectory('to')
      await disk.rename('from', 'to/moved')
      expect(await disk.list('to/moved')).toEqual(['below'])
      await expect(disk.rename('b', 'to')).rejects.toMatchObject({ code: 'EISDIR' })
      await expect(disk.rename('to/moved', 'b')).rejects.toMatchObject({ code: 'ENOTDIR' })
      await expect(disk.rename('to', 'to/moved/x')).rejects.toMatchObject({ code: 'EINVAL' })
    })

    test('a removal takes everything below', async () => {
      const disk = await create()
      await disk.makeDirectory('d/e')
      await disk.write('d/e/f', bytesOf('x'))
      await disk.remove('d')
      expect(await disk.list('')).toEqual([])
    })
  })

  describe(`${name}: what is durable`, () => {
    test('directories with their parents, files at once', async () => {
      const disk = await create()
      await makeDurableDirectory(disk, 'a/b/c')
      await makeDurableDirectory(disk, 'a/b/c')
      await writeAtomically(disk, 'a/b/c/f', bytesOf('x'))
      await writeAtomically(disk, 'a/b/c/f', bytesOf('y'))
      expect(await textAt(disk, 'a/b/c/f')).toBe('y')
      expect(await disk.list('a/b/c')).toEqual(['f'])
      await removeDurably(disk, 'a/b')
      await removeDurably(disk, 'a/b')
      expect(await disk.list('a')).toEqual([])
    })
  })

  describe(`${name}: rights`, () => {
    test('what may be executed', async () => {
      const disk = await create()
      await disk.write('a', bytesOf('x'))
      const before = await disk.rights('a')
      expect((before?.mode ?? 0) & 0o111).toBe(0)
      await disk.setExecutable('a', true)
      expect((await disk.rights('a'))?.mode).toBe((before?.mode ?? 0) | (((before?.mode ?? 0) & 0o444) >> 2))
      await disk.setExecutable('a', false)
      expect(await disk.rights('a')).toEqual(before)
      expect(await disk.rights('')).toBeUndefined()
    })

    test('rights stay when a file is written again or moved, and go with a copy', async () => {
      const disk = await create()
      await disk.write('a', bytesOf('x'))
      const rights = { ...(await disk.rights('a')), mode: 0o750 }
      await disk.setRights('a', rights)
      await disk.write('a', bytesOf('y'))
      expect(await disk.rights('a')).toEqual(rights)
      await disk.write('copy', bytesOf('older and longer'))
      await disk.copyFile('a', 'copy')
      expect(await disk.rights('copy')).toEqual(rights)
      expect(await textAt(disk, 'copy')).toBe('y')
      await disk.rename('a', 'b')
      expect(await disk.rights('b')).toEqual(rights)
    })

    test('a copy needs something to copy', async () => {
      const disk = await create()
      await expect(disk.copyFile('a', 'b')).rejects.toMatchObject({ code: 'ENOENT' })
      expect(await disk.stat('b')).toBeUndefined()
    })
  })

  describe(`${name}: links`, () => {
    test('a link to a kept version is followed, and exchanged', async () => {
      const disk = await withVersion()
      await makeDurableDirectory(disk, '.kit/versions/web/2')
      await disk.write('.kit/versions/web/2/index.html', bytesOf('two'))
      await disk.link('.kit/versions/web/1', 'web')
      await disk.syncDirectory('')
      expect(await disk.readLink('web')).toBe('.kit/versions/web/1')
      expect(await disk.stat('web')).toMatchObject({ kind: 'other' })
      expect(await textAt(disk, 'web/index.html')).toBe('one')
      expect(await disk.list('web')).toEqual(['index.html'])
      await disk.link('.kit/versions/web/2', 'web')
      expect(await textAt(disk, 'web/index.html')).toBe('two')
      await disk.makeDirectory('web')
      await disk.remove('web')
      expect(await textAt(disk, '.kit/versions/web/2/index.html')).toBe('two')
      expect((await disk.list('.kit'))?.sort()).toEqual(['versions'])
    })

    test('a link lies deeper, and is moved', async () => {
      const disk = await withVersion()
      await disk.makeDirectory('sites/deep')
      await disk.link('../../.kit/versions/web/1', 'sites/deep/web')
      expect(await textAt(disk, 'sites/deep/web/index.html')).toBe('one')
      await disk.makeDirectory('sites/other')
      await disk.rename('sites/deep/web', 'sites/other/web')
      expect(await disk.readLink('sites/other/web')).toBe('../../.kit/versions/web/1')
    })

    test('nothing is written, renamed or removed through the link at the end', async () => {
      const disk = await withVersion()
      await disk.link('.kit/versions/web/1/index.html', 'page')
      await expect(disk.write('page', bytesOf('x'))).rejects.toMatchObject({ code: 'path-escapes' })
      await expect(disk.append('page', 0, bytesOf('x'))).rejects.toMatchObject({ code: 'path-escapes' })
      await expect(disk.copyFile('page', 'page')).rejects.toMatchObject({ code: 'path-escapes' })
      await expect(disk.setExecutable('page', true)).rejects.toMatchObject({ code: 'path-escapes' })
      expect(await disk.create('page', bytesOf('x'))).toBe(false)
      expect(await disk.rights('page')).toBeUndefined()
      await disk.remove('page')
      expect(await textAt(disk, '.kit/versions/web/1/index.html')).toBe('one')
    })

    test('a link takes no place of anything but a link', async () => {
      const disk = await withVersion()
      await disk.makeDirectory('web')
      await disk.write('page', bytesOf('x'))
      await expect(disk.link('.kit/versions/web/1', 'web')).rejects.toMatchObject({ code: 'EEXIST' })
      await expect(disk.link('.kit/versions/web/1', 'page')).rejects.toMatchObject({ code: 'EEXIST' })
    })

    test.each([
      '/etc',
      '..',
      '../..',
      'other',
      '.kit',
      '.kit/versions',
      '.kit/versions/..',
      '.kit/versions/../trust.json',
      '.kit/versions/web/../../trust.json',
      './.kit/versions/web/1',
      '.kit//versions/web/1',
      '.kit\\versions\\web\\1',
      '.kit/transactions/x',
      '',
    ])('no link is made to %j', async (target) => {
      const disk = await withVersion()
      await expect(disk.link(target, 'web')).rejects.toMatchObject({ code: 'path-escapes' })
      expect(await disk.stat('web')).toBeUndefined()
    })

    test('a circle of links is refused', async () => {
      const disk = await withVersion()
      await disk.link('b', '.kit/versions/web/a')
      await disk.link('a', '.kit/versions/web/b')
      await expect(disk.read('.kit/versions/web/a/index.html')).rejects.toMatchObject({ code: 'path-escapes' })
    })
  })

  describe(`${name}: paths`, () => {
    test.each(['..', 'a/../b', '/etc/passwd', 'a//b', 'a/', '.', 'a/./b', 'a\\..\\b', 'a\0b'])(
      '%j is refused',
      async (path) => {
        const disk = await create()
        await disk.write('a', bytesOf('x'))
        const refused = { code: 'path-escapes' }
        await expect(disk.read(path)).rejects.toMatchObject(refused)
        await expect(disk.write(path, bytesOf('x'))).rejects.toMatchObject(refused)
        await expect(disk.create(path, bytesOf('x'))).rejects.toMatchObject(refused)
        await expect(disk.append(path, 0, bytesOf('x'))).rejects.toMatchObject(refused)
        await expect(disk.rename('a', path)).rejects.toMatchObject(refused)
        await expect(disk.rename(path, 'b')).rejects.toMatchObject(refused)
        await expect(disk.remove(path)).rejects.toMatchObject(refused)
        await expect(disk.makeDirectory(path)).rejects.toMatchObject(refused)
        await expect(disk.stat(path)).rejects.toMatchObject(refused)
        await expect(disk.list(path)).rejects.toMatchObject(refused)
        await expect(disk.link('.kit/versions/a', path)).rejects.toMatchObject(refused)
        await expect(disk.copyFile('a', path)).rejects.toMatchObject(refused)
        expect(() => disk.locate(path)).toThrow(expect.objectContaining(refused))
      },
    )

    test('the root itself is never removed', async () => {
      const disk = await create()
      await expect(disk.remove('')).rejects.toMatchObject({ code: 'path-escapes' })
    })
  })
}
