package dev.hotpatch.phone.app;

import android.content.Context;
import com.facebook.react.bridge.ReactApplicationContext;
import dev.hotpatch.phone.NativeApp;
import dev.hotpatch.reactnative.HotPatch;
import dev.hotpatch.reactnative.HotPatchModule;
import dev.hotpatch.reactnative.HotPatchPackage;
import java.io.File;
import java.util.Map;
import java.util.function.Consumer;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/** An app with this package, set up as its guide says; its JavaScript is whoever calls. */
public final class HotPatchApp implements NativeApp {
  private AppContext context;
  private AppReactHost host;
  private volatile HotPatchModule module;
  private Consumer<JSONObject> say;

  @Override
  public void start(Context phone, File folder, JSONObject configuration, Consumer<JSONObject> say) {
    this.say = say;
    // The system's own, which ends the process.
    Thread.setDefaultUncaughtExceptionHandler((thread, error) -> tell("ends", error.getMessage()));
    host = new AppReactHost(this::reload);
    context = new AppContext(phone, folder, Map.of(), host, (name) -> tell("starts", name));
    ReactApplicationContext react = new AppReactContext(context, say);
    String bundle = configuration.optBoolean("asksForNoBundle") ? null : HotPatch.bundleFile(context);
    host.show(react, bundle == null ? "assets://index.android.bundle" : bundle);
    open(react);
  }

  /** Where the host was told of another bundle, it is loaded now. */
  private void reload() {
    module.invalidate();
    ReactApplicationContext react = new AppReactContext(context, say);
    host.showAgain(react);
    open(react);
    tell("reloads", host.bundle());
  }

  private void open(ReactApplicationContext react) {
    HotPatchModule opened = (HotPatchModule) new HotPatchPackage().getModule("HotPatch", react);
    opened.initialize();
    opened.addListener("HotPatchEvent");
    module = opened;
  }

  @Override
  public void call(String method, JSONArray given, Answer answer) throws Exception {
    ModuleCalls.call(module, method, given, answer);
  }

  @Override
  public Object happen(String what, JSONObject order) throws Exception {
    if (!what.equals("crash")) throw new IllegalArgumentException(what);
    RuntimeException error = new RuntimeException(order.getString("message"));
    Thread.getDefaultUncaughtExceptionHandler().uncaughtException(Thread.currentThread(), error);
    return null;
  }

  @Override
  public JSONObject state() {
    try {
      return new JSONObject().put("bundle", host.bundle()).put("status", new JSONObject(module.status()));
    } catch (JSONException error) {
      throw new IllegalStateException(error);
    }
  }

  private void tell(String what, Object value) {
    try {
      say.accept(new JSONObject().put(what, value));
    } catch (JSONException error) {
      throw new IllegalStateException(error);
    }
  }
}
