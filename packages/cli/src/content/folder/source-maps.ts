import type { ContentFile } from '../content-kind.ts'

const isSourceMap = ({ name }: ContentFile) =>
  /\.(?:bundle|jsbundle|[cm]?js|hbc|css)(?:\.hbc|\.packager|\.compiler)*\.map$/.test(name)

/** Source maps hold the sources: they stay at home unless somebody wants them published. */
export function withoutSourceMaps(files: readonly ContentFile[]): { files: ContentFile[]; sourceMaps: ContentFile[] } {
  return { files: files.filter((file) => !isSourceMap(file)), sourceMaps: files.filter(isSourceMap) }
}
