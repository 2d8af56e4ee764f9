package androidx.work;

import android.content.Context;

public abstract class ListenableWorker {
  private final Context context;
  private final WorkerParameters parameters;

  protected ListenableWorker(Context context, WorkerParameters parameters) {
    this.context = context;
    this.parameters = parameters;
  }

  public final Context getApplicationContext() {
    return context.getApplicationContext();
  }

  public final Data getInputData() {
    return parameters.input;
  }

  public final boolean isStopped() {
    return false;
  }

  public final void setProgressAsync(Data progress) {}

  public static final class Result {
    final WorkInfo.State state;
    final Data output;

    private Result(WorkInfo.State state, Data output) {
      this.state = state;
      this.output = output;
    }

    public static Result success(Data output) {
      return new Result(WorkInfo.State.SUCCEEDED, output);
    }

    public static Result failure(Data output) {
      return new Result(WorkInfo.State.FAILED, output);
    }

    /** Nothing is tried again here: what asks for it has failed. */
    public static Result retry() {
      return new Result(WorkInfo.State.FAILED, new Data.Builder().putString("error", "retry").build());
    }
  }
}
