import { textFromUtf8, utf8FromText } from '@hotpatch/protocol'
import type { ComponentWork } from '../component-adapter.ts'
import { expectArtifact } from '../ground/component-artifact.ts'
import { fail } from '../ground/component-errors.ts'
import { factsOf } from '../ground/component-facts.ts'
import { fillIn, namesIn, valuesOf } from '../ground/fill-in.ts'

export const MAX_TEMPLATE_BYTES = 1024 * 1024
const MAX_RENDERED_BYTES = 4 * 1024 * 1024

/**
 * By which a value would end the place that it stands in: in the settings of nginx, Caddy and what is written like them.
 * `$` begins their own variables, `#` a comment.
 */
// oxlint-disable-next-line no-control-regex -- it is control characters that no value may have
const BREAKS_OUT = /["'`{}();\\$#<>\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/** Kits §3.3 @throws KitError template-invalid */
export async function renderTemplate(work: ComponentWork): Promise<Uint8Array> {
  const { id } = work.step.component
  const { path, file } = await expectArtifact(work)
  if (file.sizeBytes > MAX_TEMPLATE_BYTES) {
    fail(
      'template-invalid',
      id,
      `Expected a template of at most ${MAX_TEMPLATE_BYTES} bytes of ${id}, found ${file.sizeBytes}.`,
    )
  }
  const text = textFromUtf8((await work.ports.disk.read(path)) ?? new Uint8Array())
  if (text === undefined) fail('template-invalid', id, `Expected a template in UTF-8 of ${id}, found other bytes.`)
  const values = valuesOf(work.installation, factsOf(work))
  expectValues(id, namesIn(text), values)
  const rendered = utf8FromText(fillIn(text, values))
  if (rendered.length <= MAX_RENDERED_BYTES) return rendered
  fail(
    'template-invalid',
    id,
    `Expected settings of at most ${MAX_RENDERED_BYTES} bytes of ${id}, found ${rendered.length}.`,
  )
}

/** All that is missing or unfit, at once. Values may be secrets: they are not shown. */
function expectValues(id: string, names: readonly string[], values: ReadonlyMap<string, string>): void {
  const missing = names.filter((name) => !values.has(name))
  if (missing.length > 0) {
    fail(
      'template-invalid',
      id,
      `The template of ${id} needs ${missing.join(', ')}: add it to "variables" in kit.json.`,
    )
  }
  const unfit = names.filter((name) => BREAKS_OUT.test(values.get(name) ?? ''))
  if (unfit.length === 0) return
  const expected = 'one line without quotes, braces, parentheses, semicolons and any of \\ $ # < >'
  fail(
    'template-invalid',
    id,
    `Expected ${expected} as the value of ${unfit.join(', ')} in kit.json, for the template of ${id}.`,
  )
}
