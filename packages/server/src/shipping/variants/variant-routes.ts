import { NewReleaseVariant, ReleaseVariant, ReleaseVariants } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { takeForms } from '../../ground/http/take-forms.ts'
import { createValidator } from '../../ground/http/validate.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { ResolveApp } from '../../people/authors/resolve-app.ts'
import type { ContentService } from '../content/content-service.ts'
import type { ReleaseRow, ReleaseService } from '../releases/release-service.ts'
import { withVariantForm } from './receive-variant.ts'
import type { VariantService } from './variant-service.ts'

const validateMetadata = createValidator(NewReleaseVariant, 'metadata')

const Params = Type.Object({ app: Type.String({ description: 'Id or slug' }), release: Type.String() })
const VariantParams = Type.Object({ ...Params.properties, variant: Type.String() })

const VariantForm = Type.Object({
  metadata: NewReleaseVariant,
  bundle: Type.String({ format: 'binary', description: "The release's zip, encrypted" }),
  files: Type.Optional(
    Type.String({ format: 'binary', description: "A zip of the release's files, each encrypted by itself" }),
  ),
})

export function variantRoutes({
  variants,
  contents,
  releases,
  resolveApp,
  maxUploadBytes,
}: {
  variants: VariantService
  contents: ContentService
  releases: ReleaseService
  resolveApp: ResolveApp
  /** Of the whole form. */
  maxUploadBytes: number
}): FastifyPluginAsyncTypebox {
  /** @throws problem app-not-found, release-not-found or forbidden */
  async function findRelease(request: FastifyRequest, params: { app: string; release: string }): Promise<ReleaseRow> {
    const app = await resolveApp(request, params.app)
    const release = await releases.get(params.release)
    if (release.app_id === app.id) return release
    throw problem('release-not-found', `The app has no release with the id ${params.release.slice(0, 64)}.`)
  }

  return async (app) => {
    await takeForms(app)

    app.post(
      '/apps/:app/releases/:release/variants',
      {
        bodyLimit: maxUploadBytes,
        config: { access: 'releases:publish', form: VariantForm },
        schema: {
          tags: ['releases'],
          summary: 'Adds what the publisher has encrypted of a release',
          description:
            'Multipart: `metadata` (JSON of NewReleaseVariant, as a file where it is long), `bundle`, and `files` where ' +
            'devices are to take single files. The server cannot decrypt it. The same again gets the same answer, with 200.',
          consumes: ['multipart/form-data'],
          params: Params,
          response: { 200: ReleaseVariant, 201: ReleaseVariant },
        },
      },
      async (request, reply) => {
        const release = await findRelease(request, request.params)
        const { variant, isRepeated } = await withVariantForm(request, contents, (form) =>
          variants.add(release, validateMetadata(form.metadata), form, authorOf(request)),
        )
        return reply.code(isRepeated ? 200 : 201).send(variant)
      },
    )

    app.get(
      '/apps/:app/releases/:release/variants',
      {
        config: { access: 'releases:read' },
        schema: {
          tags: ['releases'],
          summary: 'What was encrypted of a release',
          params: Params,
          response: { 200: ReleaseVariants },
        },
      },
      async (request) => variants.list(await findRelease(request, request.params)),
    )

    app.delete(
      '/apps/:app/releases/:release/variants/:variant',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Removes what was encrypted of a release; devices that have the key are offered it no more',
          params: VariantParams,
          response: { 200: ReleaseVariant },
        },
      },
      async (request) =>
        variants.remove(await findRelease(request, request.params), request.params.variant, authorOf(request)),
    )
  }
}
