package androidx.work;

import java.util.LinkedHashSet;
import java.util.Set;

public abstract class WorkRequest {
  public static final long MIN_BACKOFF_MILLIS = 10_000;

  final Class<? extends ListenableWorker> worker;
  final Set<String> tags = new LinkedHashSet<>();
  Data input;

  WorkRequest(Class<? extends ListenableWorker> worker) {
    this.worker = worker;
  }
}
