package com.getcapacitor.android;

public class R {

  public static class id {

    public static int webview = 1;
  }

  public static class layout {

    public static int capacitor_bridge_layout_main = 2;
    public static int no_webview = 3;
  }

  public static class style {

    public static int AppTheme_NoActionBar = 4;
  }
}
