package dev.hotpatch.phone;

import android.content.Context;
import java.io.File;
import java.util.function.Consumer;
import org.json.JSONArray;
import org.json.JSONObject;

/** A process of an app with one native module, which JavaScript elsewhere calls. */
public interface NativeApp {
  /** @param say tells JavaScript of what it did not ask for */
  void start(Context phone, File folder, JSONObject configuration, Consumer<JSONObject> say) throws Exception;

  /** A method of the module, as JavaScript calls it. */
  void call(String method, JSONArray given, Answer answer) throws Exception;

  /** What happens to the app from outside. */
  Object happen(String what, JSONObject order) throws Exception;

  /** What runs, and what JavaScript reads without waiting. */
  JSONObject state() throws Exception;

  interface Answer {
    void is(Object answer);

    void fails(String code, Throwable error);
  }
}
