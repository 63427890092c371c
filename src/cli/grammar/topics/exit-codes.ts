/** `help exit-codes`; docs/exit-codes.md says the same at length. */
export const LINES: readonly string[] = `\
What the exit code says

  0    done, or in sync
  1    diff: there are differences; doctor: something is wrong; explain --url: refused
  2    manifest or command line is invalid; a secret is not set; nothing was done
  3    another run holds the stack
  4    some actions failed; the table says which
  5    refused: foreign owner, protection, prune guard, or consent is missing;
       or some objects are blocked: the rest was done, the table says which
  6    the saved plan is stale
  7    not ready in time
  8    the driver's engine cannot be reached
  70   a mistake of bot-bottle itself
  130  interrupted

run, exec and attach pass the program's own code through; their own failures are
125, not executable 126, not found 127, as with docker.

  $ bot-bottle diff; [ $? -le 1 ] || echo "could not compare"`.split('\n')
