package dev.hotpatch.phone.app;

import android.content.Context;
import android.os.Handler;
import android.os.Looper;
import com.facebook.react.bridge.Callback;
import com.facebook.react.bridge.CatalystInstance;
import com.facebook.react.bridge.JavaScriptContextHolder;
import com.facebook.react.bridge.JavaScriptModule;
import com.facebook.react.bridge.NativeModule;
import com.facebook.react.bridge.ReactApplicationContext;
import com.facebook.react.bridge.UIManager;
import com.facebook.react.turbomodule.core.interfaces.CallInvokerHolder;
import java.lang.reflect.Proxy;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import org.json.JSONException;
import org.json.JSONObject;

/** What native modules have of React Native, whose JavaScript runs elsewhere. */
final class AppReactContext extends ReactApplicationContext {
  private final Handler main = new Handler(Looper.getMainLooper());
  private final Consumer<JSONObject> say;

  AppReactContext(Context app, Consumer<JSONObject> say) {
    super(app);
    this.say = say;
  }

  /** Whichever it is, what is emitted by it is heard. */
  @Override
  public <T extends JavaScriptModule> T getJSModule(Class<T> type) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, values) -> {
      say.accept(new JSONObject().put("emits", values[0]).put("value", Values.toJson(values[1])));
      return null;
    }));
  }

  @Override
  public void runOnUiQueueThread(Runnable task) {
    main.post(task);
  }

  @Override
  public void handleException(Exception error) {
    throw new IllegalStateException(error);
  }

  @Override
  public <T extends NativeModule> boolean hasNativeModule(Class<T> type) {
    return false;
  }

  @Override
  public Collection<NativeModule> getNativeModules() {
    return List.of();
  }

  @Override
  public <T extends NativeModule> T getNativeModule(Class<T> type) {
    return null;
  }

  @Override
  public NativeModule getNativeModule(String name) {
    return null;
  }

  @Override
  public CatalystInstance getCatalystInstance() {
    throw new UnsupportedOperationException("This app is of React Native's new architecture.");
  }

  @Override
  public boolean hasActiveCatalystInstance() {
    return hasActiveReactInstance();
  }

  @Override
  public boolean hasActiveReactInstance() {
    return true;
  }

  @Override
  public boolean hasCatalystInstance() {
    return false;
  }

  @Override
  public boolean hasReactInstance() {
    return true;
  }

  @Override
  public void destroy() {}

  @Override
  public boolean isBridgeless() {
    return true;
  }

  @Override
  public JavaScriptContextHolder getJavaScriptContextHolder() {
    return null;
  }

  @Override
  public CallInvokerHolder getJSCallInvokerHolder() {
    return null;
  }

  @Override
  public UIManager getFabricUIManager() {
    return null;
  }

  @Override
  public String getSourceURL() {
    return null;
  }

  @Override
  public void registerSegment(int id, String path, Callback callback) {
    throw new UnsupportedOperationException("There are no segments.");
  }
}
