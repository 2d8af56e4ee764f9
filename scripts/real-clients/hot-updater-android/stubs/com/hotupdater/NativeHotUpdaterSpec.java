package com.hotupdater;

import com.facebook.react.bridge.Promise;
import com.facebook.react.bridge.ReactApplicationContext;
import com.facebook.react.bridge.ReactContextBaseJavaModule;
import com.facebook.react.bridge.ReadableMap;
import com.facebook.react.bridge.WritableNativeArray;
import com.facebook.react.bridge.WritableNativeMap;
import com.facebook.react.turbomodule.core.interfaces.TurboModule;
import java.util.Map;

/** A build generates it from the plugin's TypeScript. */
public abstract class NativeHotUpdaterSpec extends ReactContextBaseJavaModule implements TurboModule {
  public NativeHotUpdaterSpec(ReactApplicationContext context) {
    super(context);
  }

  public abstract void reload(Promise promise);

  public abstract void reloadProcess(Promise promise);

  public abstract void updateBundle(ReadableMap parameters, Promise promise);

  public abstract WritableNativeMap notifyAppReady();

  public abstract WritableNativeArray getCrashHistory();

  public abstract boolean clearCrashHistory();

  public abstract void resetChannel(Promise promise);

  public abstract String getBaseURL();

  public abstract String getBundleId();

  public abstract WritableNativeMap getManifest();

  public abstract void setCohort(String cohort);

  public abstract String getCohort();

  public abstract void addListener(String event);

  public abstract void removeListeners(double count);

  protected abstract Map<String, Object> getTypedExportedConstants();

  @Override
  public final Map<String, Object> getConstants() {
    return getTypedExportedConstants();
  }
}
