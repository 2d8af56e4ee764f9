/// What a JSON text stands for. Foundation's reader differs from one system to another, and from the server's.
public indirect enum JsonValue: Equatable {
  case object(JsonObject)
  case array([JsonValue])
  case string(String)
  case number(Double)
  case boolean(Bool)
  case null

  public static func == (a: JsonValue, b: JsonValue) -> Bool {
    switch (a, b) {
    case (.object(let left), .object(let right)): return left == right
    case (.array(let left), .array(let right)): return left == right
    case (.string(let left), .string(let right)): return isSameText(left, right)
    case (.number(let left), .number(let right)): return left == right
    case (.boolean(let left), .boolean(let right)): return left == right
    case (.null, .null): return true
    default: return false
    }
  }
}

/// With its fields in order. Of a name that is there twice the last value counts, as for JSON.parse.
public struct JsonObject: Equatable {
  public private(set) var fields: [(name: String, value: JsonValue)] = []
  private var places: [ExactText: Int] = [:]

  public init() {}

  /// Leaves out what is nil: an absent field and an undefined one are the same text.
  public init(_ fields: [(String, JsonValue?)]) {
    for (name, value) in fields where value != nil { self[name] = value }
  }

  public subscript(name: String) -> JsonValue? {
    get { places[ExactText(name)].map { fields[$0].value } }
    set {
      let key = ExactText(name)
      if let place = places[key] {
        guard let newValue else { return remove(at: place) }
        fields[place].value = newValue
      } else if let newValue {
        places[key] = fields.count
        fields.append((name, newValue))
      }
    }
  }

  private mutating func remove(at place: Int) {
    fields.remove(at: place)
    places = [:]
    for (index, field) in fields.enumerated() { places[ExactText(field.name)] = index }
  }

  /// Whatever their order is.
  public static func == (a: JsonObject, b: JsonObject) -> Bool {
    a.fields.count == b.fields.count && a.fields.allSatisfy { b[$0.name] == $0.value }
  }
}
