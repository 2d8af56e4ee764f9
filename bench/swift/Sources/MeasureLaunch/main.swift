import Dispatch
import Foundation
import HotPatchEngine
import HotPatchPorts

// `npm run bench -- launch-swift` calls it: what the choice at start takes of the release in a folder, and what reading the
// files that it goes by does, in turns. The first start is the first thing that the process does.
// Arguments: the folder, those files, where to write the nanoseconds, how many starts count, and how many before do not.

func timeStart(_ folder: String) throws -> UInt64 {
  let crypto = SystemCrypto()
  let engine = Engine(
    Ports(
      files: SystemFiles(folder), http: UrlSessionHttp(), crypto: crypto, clock: SystemClock(),
      host: HostPort(nativeVersion: "1.0", platform: "android"), unpacking: SystemUnpacking()))
  let startedAt = DispatchTime.now().uptimeNanoseconds
  let launched = engine.start()
  let took = DispatchTime.now().uptimeNanoseconds - startedAt
  // Else the next one would take it for a start that ended badly.
  guard try engine.confirm(), case .release = launched else {
    fatalError("Expected the release, found what the binary shipped with.")
  }
  return took
}

func timeRead(_ files: SystemFiles, _ paths: [String]) throws -> UInt64 {
  let startedAt = DispatchTime.now().uptimeNanoseconds
  for path in paths { _ = try files.read(path) }
  return DispatchTime.now().uptimeNanoseconds - startedAt
}

let arguments = CommandLine.arguments
guard arguments.count == 6, let counted = Int(arguments[4]), let before = Int(arguments[5]) else {
  fatalError("Expected a folder, files, where to write, and two numbers; found \(arguments.dropFirst()).")
}
let (folder, paths) = (arguments[1], arguments[2].split(separator: ",").map(String.init))
let files = SystemFiles(folder)
let first = try timeStart(folder)
var starts: [UInt64] = []
var reads: [UInt64] = []
for round in 0..<before + counted {
  let start = try timeStart(folder)
  let read = try timeRead(files, paths)
  guard round >= before else { continue }
  starts.append(start)
  reads.append(read)
}
let text = "{\"first\":\(first),\"starts\":\(starts),\"reads\":\(reads)}"
try text.write(toFile: arguments[3], atomically: false, encoding: .utf8)
