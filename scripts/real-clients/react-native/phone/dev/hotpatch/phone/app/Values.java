package dev.hotpatch.phone.app;

import com.facebook.react.bridge.JavaOnlyArray;
import com.facebook.react.bridge.JavaOnlyMap;
import com.facebook.react.bridge.ReadableArray;
import com.facebook.react.bridge.ReadableMap;
import com.facebook.react.bridge.WritableMap;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/** What goes between JavaScript and native code, where every number is a double. */
final class Values {
  private Values() {}

  static Object toNative(Object json) throws JSONException {
    if (json == JSONObject.NULL) return null;
    if (json instanceof Number) return ((Number) json).doubleValue();
    if (json instanceof JSONArray) {
      List<Object> list = new ArrayList<>();
      for (int index = 0; index < ((JSONArray) json).length(); index += 1) {
        list.add(toNative(((JSONArray) json).get(index)));
      }
      return JavaOnlyArray.from(list);
    }
    if (!(json instanceof JSONObject)) return json;
    JavaOnlyMap map = new JavaOnlyMap();
    for (Iterator<String> keys = ((JSONObject) json).keys(); keys.hasNext(); ) {
      String key = keys.next();
      put(map, key, toNative(((JSONObject) json).get(key)));
    }
    return map;
  }

  private static void put(WritableMap map, String key, Object value) {
    if (value == null) map.putNull(key);
    else if (value instanceof String) map.putString(key, (String) value);
    else if (value instanceof Boolean) map.putBoolean(key, (Boolean) value);
    else if (value instanceof Double) map.putDouble(key, (Double) value);
    else if (value instanceof ReadableArray) map.putArray(key, (ReadableArray) value);
    else map.putMap(key, (ReadableMap) value);
  }

  static Object toJson(Object value) throws JSONException {
    if (value instanceof ReadableMap) return toJson(((ReadableMap) value).toHashMap());
    if (value instanceof ReadableArray) return toJson(((ReadableArray) value).toArrayList());
    if (value instanceof List) {
      JSONArray list = new JSONArray();
      for (Object each : (List<?>) value) list.put(toJson(each));
      return list;
    }
    if (!(value instanceof Map)) return JSONObject.wrap(value);
    JSONObject object = new JSONObject();
    for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
      object.put((String) entry.getKey(), toJson(entry.getValue()));
    }
    return object;
  }
}
