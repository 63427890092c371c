/** The process: its streams, its signals, its exit code. The only file that ends it. */
import type { Io } from '../src/cli/io.ts'
import { crash, run } from '../src/cli/main.ts'

const argv = process.argv.slice(2)

const io: Io = {
  // Opened only by what reads it.
  get stdin() {
    return process.stdin
  },
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  now: () => Date.now(),
  onSignal(signal, heard) {
    process.on(signal, heard)
    return () => process.off(signal, heard)
  },
}

const escaped = (thrown: unknown): void => {
  void crash(thrown, argv, io).then(
    (code) => process.exit(code),
    () => process.exit(70),
  )
}
process.on('uncaughtException', escaped)
process.on('unhandledRejection', escaped)

process.exit(await run(argv, io))
