/** How long the program takes to start, installed and from the checkout, beside an empty Node program. */
import { emptyProgram, interleaved, line, time, type Line } from './measure.ts'
import type { Laboratory } from './laboratory.ts'

export async function startLines(laboratory: Laboratory, rounds: number): Promise<readonly Line[]> {
  const manifest = laboratory.manifest('bench-start', 1)
  const { installed, checkout, env } = laboratory
  const run =
    (program: string, ...args: readonly string[]) =>
    () =>
      time({ argv: [program, ...args], env, cwd: laboratory.folder })
  const times = await interleaved(rounds, {
    node: emptyProgram,
    version: run(installed, '--version'),
    help: run(installed, '--help'),
    validate: run(installed, 'validate', '-f', manifest),
    versionHere: run(checkout, '--version'),
    helpHere: run(checkout, '--help'),
    validateHere: run(checkout, 'validate', '-f', manifest),
  })
  const beside = (ratioMax?: number) => ({
    node: times.node,
    reference: { what: 'node -e 0', times: times.node },
    ...(ratioMax !== undefined && { ratioMax }),
  })
  return [
    line('--version, installed', times.version, beside(1.5)),
    line('--help, installed', times.help, beside(1.5)),
    line('validate of a small file, installed', times.validate, beside(2.8)),
    line('--version, checkout', times.versionHere, beside(1.5)),
    line('--help, checkout', times.helpHere, beside(1.5)),
    line('validate of a small file, checkout', times.validateHere, beside(2.8)),
  ]
}
