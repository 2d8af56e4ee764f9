import java.nio.file.Files;
import java.nio.file.Path;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;

/** One module after the other in one process: most of what a small one costs is the start of the compiler. */
class CompileKotlin {
  public static void main(String[] orders) throws Exception {
    for (String order : orders) {
      String[] arguments = Files.readAllLines(Path.of(order)).toArray(new String[0]);
      ExitCode code = new K2JVMCompiler().exec(System.err, arguments);
      if (code != ExitCode.OK) System.exit(code.getCode());
    }
    System.exit(0);
  }
}
