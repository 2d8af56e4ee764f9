package dev.hotpatch.phone.app;

import android.content.Context;
import com.facebook.react.bridge.NativeModule;
import com.facebook.react.bridge.ReactApplicationContext;
import com.microsoft.codepush.react.CodePush;
import com.microsoft.codepush.react.CodePushNativeModule;
import dev.hotpatch.phone.NativeApp;
import java.io.File;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/** An app with CodePush's plugin, set up as its guide says. */
public final class CodePushApp implements NativeApp {
  private AppContext context;
  private AppReactHost host;
  private CodePush codePush;
  private volatile CodePushNativeModule module;
  private Consumer<JSONObject> say;

  @Override
  public void start(Context phone, File folder, JSONObject configuration, Consumer<JSONObject> say) throws Exception {
    Map<String, String> texts = new HashMap<>();
    texts.put("CodePushServerUrl", configuration.getString("serverUrl"));
    texts.put("CODE_PUSH_APK_BUILD_TIME", configuration.getString("builtAt"));
    if (configuration.has("publicKey")) texts.put("CodePushPublicKey", configuration.getString("publicKey"));
    this.say = say;
    host = new AppReactHost(this::reload);
    context = new AppContext(phone, folder, texts, host, (activity) -> {});
    codePush = CodePush.getInstance(configuration.getString("deploymentKey"), context, false);
    CodePush.setReactHost(() -> host);
    show();
  }

  /** React Native makes modules anew for each load, and asks which bundle it is to load. */
  private void show() {
    ReactApplicationContext react = new AppReactContext(context, say);
    host.show(react, CodePush.getJSBundleFile());
    for (NativeModule each : codePush.createNativeModules(react)) {
      if (each instanceof CodePushNativeModule) module = (CodePushNativeModule) each;
    }
  }

  private void reload() {
    show();
    try {
      say.accept(new JSONObject().put("reloads", state()));
    } catch (JSONException error) {
      throw new IllegalStateException(error);
    }
  }

  @Override
  public void call(String method, JSONArray given, Answer answer) throws Exception {
    ModuleCalls.call(module, method, given, answer);
  }

  @Override
  public Object happen(String what, JSONObject order) {
    throw new IllegalArgumentException(what);
  }

  @Override
  public JSONObject state() throws JSONException {
    return new JSONObject().put("bundle", host.bundle()).put("constants", Values.toJson(module.getConstants()));
  }
}
