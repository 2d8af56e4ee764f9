import { SERVER_URL } from '../../ground/place.ts'

/** From the folder that has the description of the kit. */
export function kitCommand(slug: string): string {
  return `npx hotpatch kit publish --app ${slug} --url ${SERVER_URL}`
}
