package com.hotupdater;

/** A build writes it. */
public final class BuildConfig {
  public static final boolean DEBUG = false;
  public static final boolean IS_NEW_ARCHITECTURE_ENABLED = true;
  /** 1 January 2026. Not a constant, which Kotlin would fold. */
  public static final long BUILD_TIMESTAMP = Long.parseLong("1767225600000");
  public static final String MIN_BUNDLE_ID = String.valueOf((Object) null);

  private BuildConfig() {}
}
