package dev.hotpatch.phone.app;

import android.app.Activity;
import android.content.Context;
import android.content.Intent;
import android.content.res.AssetManager;
import android.os.Bundle;
import com.facebook.react.MemoryPressureRouter;
import com.facebook.react.ReactHost;
import com.facebook.react.ReactInstanceEventListener;
import com.facebook.react.ReactPackage;
import com.facebook.react.ReactPackageTurboModuleManagerDelegate;
import com.facebook.react.bridge.JSBundleLoader;
import com.facebook.react.bridge.JSBundleLoaderDelegate;
import com.facebook.react.bridge.ReactContext;
import com.facebook.react.bridge.queue.ReactQueueConfiguration;
import com.facebook.react.common.LifecycleState;
import com.facebook.react.devsupport.interfaces.DevSupportManager;
import com.facebook.react.interfaces.TaskInterface;
import com.facebook.react.interfaces.fabric.ReactSurface;
import com.facebook.react.runtime.BindingsInstaller;
import com.facebook.react.runtime.JSRuntimeFactory;
import com.facebook.react.runtime.ReactHostDelegate;
import com.facebook.react.modules.core.DefaultHardwareBackBtnHandler;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import kotlin.Unit;
import kotlin.jvm.functions.Function0;
import kotlin.jvm.functions.Function1;

/** React Native's host as far as native modules go: what it loads, that it loads anew, and whom it tells of exceptions. */
public final class AppReactHost implements ReactHost {
  private final Delegate delegate = new Delegate();
  /** Modules look for it, and for what is in it, by these names and types. */
  private final ReactHostDelegate reactHostDelegate = delegate;
  private final Runnable onReload;
  private ReactContext context;

  AppReactHost(Runnable onReload) {
    this.onReload = onReload;
  }

  private static final class Delegate implements ReactHostDelegate {
    private JSBundleLoader jsBundleLoader;
    private Function1<Exception, Unit> exceptionHandler = (error) -> {
      throw new IllegalStateException(error);
    };

    @Override
    public JSBundleLoader getJsBundleLoader() {
      return jsBundleLoader;
    }

    @Override
    public void handleInstanceException(Exception error) {
      exceptionHandler.invoke(error);
    }

    @Override
    public String getJsMainModulePath() {
      return "index";
    }

    @Override
    public BindingsInstaller getBindingsInstaller() {
      return null;
    }

    @Override
    public List<ReactPackage> getReactPackages() {
      return List.of();
    }

    @Override
    public JSRuntimeFactory getJsRuntimeFactory() {
      throw new UnsupportedOperationException("JavaScript runs elsewhere.");
    }

    @Override
    public ReactPackageTurboModuleManagerDelegate.Builder getTurboModuleManagerDelegateBuilder() {
      throw new UnsupportedOperationException("JavaScript runs elsewhere.");
    }
  }

  void show(ReactContext next, String bundle) {
    context = next;
    load(bundle);
  }

  /** JavaScript is loaded again, from where it is now said to be. */
  void showAgain(ReactContext next) {
    context = next;
  }

  private void load(String bundle) {
    delegate.jsBundleLoader = bundle.startsWith("assets://")
        ? JSBundleLoader.createAssetLoader(context, bundle, false)
        : JSBundleLoader.createFileLoader(bundle);
  }

  /** What JavaScript threw. */
  void handle(Exception error) {
    delegate.exceptionHandler.invoke(error);
  }

  /** The text of the bundle that it loads. */
  String bundle() {
    StringBuilder text = new StringBuilder();
    delegate.jsBundleLoader.loadScript(new JSBundleLoaderDelegate() {
      @Override
      public void loadScriptFromAssets(AssetManager assets, String url, boolean isLoadedAtOnce) {
        try (InputStream stream = assets.open(url.substring("assets://".length()))) {
          text.append(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException error) {
          throw new IllegalStateException(error);
        }
      }

      @Override
      public void loadScriptFromFile(String path, String url, boolean isLoadedAtOnce) {
        try {
          text.append(Files.readString(new File(path).toPath()));
        } catch (IOException error) {
          throw new IllegalStateException(error);
        }
      }

      @Override
      public void loadSplitBundleFromFile(String path, String url) {
        throw new UnsupportedOperationException("There are no segments.");
      }

      @Override
      public void setSourceURLs(String device, String remote) {}
    });
    return text.toString();
  }

  @Override
  public TaskInterface<Void> reload(String reason) {
    onReload.run();
    return null;
  }

  @Override
  public LifecycleState getLifecycleState() {
    return LifecycleState.RESUMED;
  }

  @Override
  public ReactContext getCurrentReactContext() {
    return context;
  }

  @Override
  public DevSupportManager getDevSupportManager() {
    return null;
  }

  @Override
  public ReactQueueConfiguration getReactQueueConfiguration() {
    return null;
  }

  @Override
  public MemoryPressureRouter getMemoryPressureRouter() {
    return null;
  }

  @Override
  public boolean onBackPressed() {
    return false;
  }

  @Override
  public void onHostResume(Activity activity, DefaultHardwareBackBtnHandler handler) {}

  @Override
  public void onHostResume(Activity activity) {}

  @Override
  public void onHostLeaveHint(Activity activity) {}

  @Override
  public void onHostPause(Activity activity) {}

  @Override
  public void onHostPause() {}

  @Override
  public void onHostDestroy() {}

  @Override
  public void onHostDestroy(Activity activity) {}

  @Override
  public ReactSurface createSurface(Context context, String module, Bundle properties) {
    return null;
  }

  @Override
  public TaskInterface<Void> start() {
    return null;
  }

  @Override
  public TaskInterface<Void> destroy(String reason, Exception error) {
    return null;
  }

  @Override
  public TaskInterface<Void> destroy(String reason, Exception error, Function1<? super Boolean, Unit> done) {
    return null;
  }

  @Override
  public void invalidate() {}

  @Override
  public void onActivityResult(Activity activity, int request, int result, Intent data) {}

  @Override
  public void onWindowFocusChange(boolean hasFocus) {}

  @Override
  public void onNewIntent(Intent intent) {}

  @Override
  public void onConfigurationChanged(Context context) {}

  @Override
  public void addBeforeDestroyListener(Function0<Unit> listener) {}

  @Override
  public void removeBeforeDestroyListener(Function0<Unit> listener) {}

  @Override
  public void addReactInstanceEventListener(ReactInstanceEventListener listener) {}

  @Override
  public void removeReactInstanceEventListener(ReactInstanceEventListener listener) {}
}
