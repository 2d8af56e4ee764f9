package dev.hotpatch.phone;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/** What classes keep goes with a process: so each has the client's, React Native's and the app's anew. */
final class ProcessLoader extends ClassLoader {
  private static final List<String> OWN = List.of(
      "com.facebook.", "com.hotupdater.", "com.microsoft.codepush.", "dev.hotpatch.android.", "dev.hotpatch.delta.",
      "dev.hotpatch.engine.", "dev.hotpatch.phone.app.", "dev.hotpatch.protocol.", "dev.hotpatch.reactnative.");

  ProcessLoader(ClassLoader system) {
    super(system);
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (OWN.stream().noneMatch(name::startsWith)) return super.loadClass(name, resolve);
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded == null ? findClass(name) : loaded;
    }
  }

  @Override
  protected Class<?> findClass(String name) throws ClassNotFoundException {
    try (InputStream stream = getResourceAsStream(name.replace('.', '/') + ".class")) {
      if (stream == null) throw new ClassNotFoundException(name);
      byte[] bytes = stream.readAllBytes();
      return defineClass(name, bytes, 0, bytes.length);
    } catch (IOException error) {
      throw new ClassNotFoundException(name, error);
    }
  }
}
