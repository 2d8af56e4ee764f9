import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * JSON bodies of this plugin's routes. Many clients name the type of a body that they do not send: where none is
 * wanted, that is no mistake.
 * @param onBody hears of each before it is read
 */
export function takeJson(app: FastifyInstance, onBody?: (request: FastifyRequest, body: string) => void): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '' && !onBody && request.routeOptions.schema?.body === undefined) return done(null, undefined)
    onBody?.(request, body)
    void parse(request, body, done)
  })
}
