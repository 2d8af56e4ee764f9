package androidx.work;

import java.util.concurrent.TimeUnit;

public final class PeriodicWorkRequest extends WorkRequest {
  private PeriodicWorkRequest(Class<? extends ListenableWorker> worker) {
    super(worker);
  }

  public static final class Builder {
    private final PeriodicWorkRequest request;

    public Builder(Class<? extends ListenableWorker> worker, long interval, TimeUnit unit) {
      request = new PeriodicWorkRequest(worker);
    }

    public Builder setInitialDelay(long delay, TimeUnit unit) {
      return this;
    }

    public Builder setInputData(Data input) {
      request.input = input;
      return this;
    }

    public Builder addTag(String tag) {
      request.tags.add(tag);
      return this;
    }

    public Builder setConstraints(Constraints constraints) {
      return this;
    }

    public Builder setExpedited(OutOfQuotaPolicy policy) {
      return this;
    }

    public Builder setBackoffCriteria(BackoffPolicy policy, long delay, TimeUnit unit) {
      return this;
    }

    public PeriodicWorkRequest build() {
      return request;
    }
  }
}
