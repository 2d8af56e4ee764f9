package androidx.work;

import java.util.concurrent.TimeUnit;

public final class OneTimeWorkRequest extends WorkRequest {
  private OneTimeWorkRequest(Class<? extends ListenableWorker> worker) {
    super(worker);
  }

  public static final class Builder {
    private final OneTimeWorkRequest request;

    public Builder(Class<? extends ListenableWorker> worker) {
      request = new OneTimeWorkRequest(worker);
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

    public OneTimeWorkRequest build() {
      return request;
    }
  }
}
