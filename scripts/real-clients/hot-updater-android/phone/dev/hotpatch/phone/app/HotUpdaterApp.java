package dev.hotpatch.phone.app;

import android.content.Context;
import com.facebook.react.bridge.NativeModule;
import com.facebook.react.bridge.ReactApplicationContext;
import com.facebook.react.bridge.ReactMarker;
import com.facebook.react.bridge.ReactMarkerConstants;
import com.hotupdater.HotUpdater;
import com.hotupdater.HotUpdaterPackage;
import dev.hotpatch.phone.NativeApp;
import java.io.File;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/** An app with hot-updater's plugin, set up as its guide says. */
public final class HotUpdaterApp implements NativeApp {
  /** What JavaScript reads without waiting. */
  private static final String[] READ =
      {"getBundleId", "getCohort", "getManifest", "getCrashHistory", "getBaseURL", "notifyAppReady"};
  private AppContext context;
  private AppReactHost host;
  private volatile NativeModule module;
  private Consumer<JSONObject> say;

  @Override
  public void start(Context phone, File folder, JSONObject configuration, Consumer<JSONObject> say) throws Exception {
    Map<String, String> texts = new HashMap<>();
    if (configuration.has("publicKey")) texts.put("hot_updater_public_key", configuration.getString("publicKey"));
    this.say = say;
    host = new AppReactHost(this::reload);
    context = new AppContext(phone, folder, texts, host, this::startActivity);
    show();
  }

  private void show() {
    ReactApplicationContext react = new AppReactContext(context, say);
    host.show(react, HotUpdater.Companion.getJSBundleFile(context));
    module = new HotUpdaterPackage().getModule("HotUpdater", react);
  }

  private void reload() {
    module = new HotUpdaterPackage().getModule("HotUpdater", (ReactApplicationContext) host.getCurrentReactContext());
    tell("reloads", state());
  }

  /** That by which the plugin has the system end the process and start the app. */
  private void startActivity(String name) {
    tell("starts", name);
  }

  private void tell(String what, Object value) {
    try {
      say.accept(new JSONObject().put(what, value));
    } catch (JSONException error) {
      throw new IllegalStateException(error);
    }
  }

  @Override
  public void call(String method, JSONArray given, Answer answer) throws Exception {
    ModuleCalls.call(module, method, given, answer);
  }

  @Override
  public Object happen(String what, JSONObject order) throws Exception {
    switch (what) {
      case "appear":
        ReactMarker.logMarker(ReactMarkerConstants.CONTENT_APPEARED);
        return state();
      case "crash":
        host.handle(new RuntimeException(order.getString("message")));
        return null;
      default:
        throw new IllegalArgumentException(what);
    }
  }

  @Override
  public JSONObject state() {
    try {
      JSONObject read = new JSONObject();
      for (String name : READ) read.put(name, ModuleCalls.read(module, name));
      return new JSONObject().put("bundle", host.bundle()).put("read", read)
          .put("constants", ModuleCalls.read(module, "getConstants"));
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }
}
