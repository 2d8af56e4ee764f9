/// What is fetched as the whole bundle.
func bundleOf(_ offer: Offer) -> Wanted {
  let (sha256, sizeBytes) = offer.encryption.map { ($0.sha256, $0.sizeBytes) } ?? (offer.sha256, offer.sizeBytes)
  return Wanted(name: "the bundle", url: offer.bundleUrl, sha256: sha256, sizeBytes: sizeBytes)
}

func releaseOf(_ offer: Offer, sequence: Int) -> InstalledRelease {
  InstalledRelease(
    releaseId: offer.releaseId, version: offer.version, sequence: sequence, sha256: offer.sha256)
}

func pairOf(_ patch: PatchOffer) -> PatchIdentity {
  PatchIdentity(baseTree: patch.baseTree, tree: patch.tree)
}
