package com.microsoft.codepush.react;

/** A build writes it. */
public final class BuildConfig {
  public static final boolean IS_NEW_ARCHITECTURE_ENABLED = true;

  private BuildConfig() {}
}
