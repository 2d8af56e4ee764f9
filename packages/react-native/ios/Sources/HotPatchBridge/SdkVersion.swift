/// Of this package; a test holds it against package.json.
public let sdkVersion = "0.1.0"
