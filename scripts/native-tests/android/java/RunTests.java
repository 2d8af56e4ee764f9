import org.junit.runner.Description;
import org.junit.runner.JUnitCore;
import org.junit.runner.Request;
import org.junit.runner.Result;
import org.junit.runner.manipulation.Filter;
import org.junit.runner.notification.Failure;
import org.junit.runner.notification.RunListener;

/** Says of every test that it ran, or why it failed. Arguments: a part of the names of tests, or nothing, and classes. */
public class RunTests {
  public static void main(String[] arguments) throws Exception {
    Class<?>[] classes = new Class<?>[arguments.length - 1];
    for (int index = 1; index < arguments.length; index += 1) classes[index - 1] = Class.forName(arguments[index]);
    JUnitCore core = new JUnitCore();
    core.addListener(new Teller());
    Result result = core.run(Request.classes(classes).filterWith(named(arguments[0])));
    // The listener cannot count what fails before there is a test.
    System.out.printf(
        "%d passed, %d failed, %d skipped%n",
        result.getRunCount() - result.getFailureCount(), result.getFailureCount(), result.getIgnoreCount());
    System.exit(result.wasSuccessful() && result.getRunCount() > 0 ? 0 : 1);
  }

  private static Filter named(String part) {
    return new Filter() {
      @Override
      public boolean shouldRun(Description each) {
        if (each.isTest()) return each.getMethodName() == null || each.getMethodName().contains(part);
        return each.getChildren().isEmpty() || each.getChildren().stream().anyMatch(this::shouldRun);
      }

      @Override
      public String describe() {
        return "tests whose name has \"" + part + "\"";
      }
    };
  }

  private static class Teller extends RunListener {
    private long startedAt;
    private boolean hasFailed;

    @Override
    public void testStarted(Description test) {
      startedAt = System.nanoTime();
      hasFailed = false;
    }

    @Override
    public void testFailure(Failure failure) {
      hasFailed = true;
      System.out.println("FAILED " + failure.getDescription().getDisplayName());
      System.out.println(failure.getTrimmedTrace());
    }

    @Override
    public void testIgnored(Description test) {
      System.out.println("skipped " + test.getDisplayName());
    }

    @Override
    public void testFinished(Description test) {
      long tookMs = (System.nanoTime() - startedAt) / 1_000_000;
      if (!hasFailed) System.out.printf("ok %s > %s (%d ms)%n", test.getClassName(), test.getMethodName(), tookMs);
    }
  }
}
