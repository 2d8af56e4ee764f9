import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Page } from 'playwright-core'

/** Files of a folder below the directory; returns the folder. */
export async function folderOf(
  directory: string,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = join(directory, name)
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  return folder
}

/** Onto the publish page, as a person does with the mouse, from the desktop. */
export async function dropFiles(page: Page, ...paths: readonly string[]): Promise<void> {
  const area = page.getByText('Drop a folder, a zip, or the files of a whole app')
  await area.waitFor()
  const { x = 0, y = 0 } = (await area.boundingBox()) ?? {}
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files: [...paths], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: x + 5, y: y + 5, data })
  }
  await session.detach()
}
