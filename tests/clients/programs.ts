/** Programs that agents use, run beside the door with the environment that a bottle gives. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DOORS } from '../../src/model/names.ts'
import { GUEST_FILES } from '../../src/resources/guest/environment.ts'
import { programEnvironment } from '../../src/resources/guest/environment.ts'
import type { Door } from '../door/door.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Programs {
  /** Home of the programs, and the folder that they run in. */
  readonly folder: string
  run(argv: readonly string[], more?: Readonly<Record<string, string>>): Promise<Ran>
  close(): void
}

/** Longest time of one program, milliseconds. */
const PATIENCE_MS = 60_000

export function openPrograms({ proxy, root }: Door): Programs {
  const folder = mkdtempSync(join(tmpdir(), 'clients-'))
  const trusted = join(folder, 'root.pem')
  writeFileSync(trusted, root)
  const inside: Readonly<Record<string, string>> = {
    [`http://127.0.0.1:${DOORS.egress}`]: proxy,
    [GUEST_FILES.root]: trusted,
    [GUEST_FILES.bundle]: trusted,
  }
  const given = Object.entries(programEnvironment(process.env['PATH']))
  const env = {
    ...Object.fromEntries(given.map(([name, value]) => [name, inside[value] ?? value])),
    HOME: folder,
    // Where this machine's cargo finds itself.
    RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup'),
  }
  return {
    folder,
    run: ([program = '', ...argv], more = {}) =>
      new Promise((resolve) => {
        const options = { cwd: folder, env: { ...env, ...more }, timeout: PATIENCE_MS, maxBuffer: 1 << 26 }
        const child = execFile(program, argv, options, (_error, out, err) =>
          resolve({ code: child.exitCode ?? -1, out, err }),
        )
        child.stdin?.end()
      }),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}
