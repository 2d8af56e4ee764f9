/// How many bytes that took. What was gone on with wrongly comes once more, from its start.
func fetchVerified(
  _ wanted: Wanted, _ place: Place, releaseId: String, isOptional: Bool = false, _ context: FlowContext,
  onProgress: @escaping (Int) -> Void
) throws -> Int {
  let how = DownloadContext(
    ports: context.ports, limits: context.settings.limits, allowInsecure: context.settings.config.allowInsecure,
    onProgress: onProgress, isOptional: isOptional)
  let downloaded = try download(wanted, place, how)
  try context.way.advance(.downloaded, releaseId)
  do {
    try verifyDownload(wanted, place, context.ports)
    return downloaded.receivedBytes
  } catch {
    try discardDownload(place, context.files)
    if !downloaded.isResumed { throw error }
    try context.way.advance(.resumedWrongly, releaseId)
    let again = try fetchVerified(
      wanted, place, releaseId: releaseId, isOptional: isOptional, context, onProgress: onProgress)
    return downloaded.receivedBytes + again
  }
}
