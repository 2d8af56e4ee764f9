package dev.hotpatch.phone.app;

import com.facebook.react.bridge.Promise;
import dev.hotpatch.phone.NativeApp.Answer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.stream.Stream;
import org.json.JSONArray;
import org.json.JSONException;

/** Methods of a native module, as JavaScript calls them: by name, the last argument a promise or none. */
final class ModuleCalls {
  private ModuleCalls() {}

  static void call(Object module, String name, JSONArray given, Answer answer) throws Exception {
    Method method = methodOf(module, name);
    Class<?>[] types = method.getParameterTypes();
    boolean isAwaited = types.length > 0 && types[types.length - 1] == Promise.class;
    Object[] values = new Object[types.length];
    for (int index = 0; index < types.length - (isAwaited ? 1 : 0); index += 1) {
      values[index] = valueFor(types[index], given, index);
    }
    if (isAwaited) values[types.length - 1] = promise(answer);
    try {
      Object answered = method.invoke(module, values);
      if (!isAwaited) answer.is(Values.toJson(answered));
    } catch (InvocationTargetException error) {
      answer.fails(null, error.getCause());
    }
  }

  /** What has no arguments and answers at once. */
  static Object read(Object module, String name) throws Exception {
    return Values.toJson(methodOf(module, name).invoke(module));
  }

  private static Method methodOf(Object module, String name) throws NoSuchMethodException {
    return Stream.of(module.getClass().getMethods())
        .filter((each) -> each.getName().equals(name) && !each.isBridge())
        .findFirst()
        .orElseThrow(() -> new NoSuchMethodException(name));
  }

  private static Object valueFor(Class<?> type, JSONArray given, int index) throws JSONException {
    Object value = index < given.length() ? Values.toNative(given.get(index)) : null;
    if (value instanceof Double && (type == int.class || type == Integer.class)) return ((Double) value).intValue();
    return value;
  }

  private static Promise promise(Answer answer) {
    return (Promise) Proxy.newProxyInstance(Promise.class.getClassLoader(), new Class<?>[] {Promise.class},
        (self, method, values) -> {
          if (method.getName().equals("resolve")) answer.is(Values.toJson(values[0]));
          else if (method.getName().equals("reject")) reject(answer, method.getParameterTypes(), values);
          return null;
        });
  }

  /** The first text is a code where more comes after it. */
  private static void reject(Answer answer, Class<?>[] types, Object[] values) {
    String code = types[0] == String.class && types.length > 1 ? (String) values[0] : null;
    for (int index = code == null ? 0 : 1; index < values.length; index += 1) {
      if (values[index] instanceof Throwable) {
        answer.fails(code, (Throwable) values[index]);
        return;
      }
      if (values[index] instanceof String) {
        answer.fails(code, new Exception((String) values[index]));
        return;
      }
    }
    answer.fails(code, null);
  }
}
