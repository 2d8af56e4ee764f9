/// Everything that `packed` stands for, which must be `sizeBytes`: stops with an error before more is made of it. Absent
/// for what this machine cannot unpack.
public typealias Unpacking = [Packing: (_ packed: [UInt8], _ sizeBytes: Int) throws -> [UInt8]]

func readPacking(_ byte: UInt8) throws -> Packing {
  guard let packing = Packing(rawValue: byte) else {
    throw PatchError(.packingUnsupported, "Expected a packing that is known, found \(byte).")
  }
  return packing
}

func unpack(_ unpacking: Unpacking, _ packing: Packing, _ packed: [UInt8], sizeBytes: Int) throws -> [UInt8] {
  guard let run = unpacking[packing] else {
    throw PatchError(.packingUnsupported, "Expected a packing that this machine has, found \(packing).")
  }
  let bytes: [UInt8]
  do {
    bytes = try run(packed, sizeBytes)
  } catch {
    throw PatchError(.patchDamaged, "Expected \(packing), found something else.", cause: error)
  }
  if bytes.count != sizeBytes { throw damaged("Expected \(sizeBytes) bytes to be unpacked, found \(bytes.count).") }
  return bytes
}
