/** Processes of laboratories that outlive the script that started them: found by their recorded id, ended by it. */
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

/** The process that we started; a number that meanwhile belongs to another program is nobody's. `mark` stands in its command line. */
export function recordedProcess(file: string, mark: string): number | undefined {
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
  return pid > 0 && commandLine(pid).includes(mark) ? pid : undefined
}

export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

export async function endProcess(pid: number | undefined): Promise<void> {
  if (pid === undefined) return
  for (const [signal, tries] of [
    ['SIGTERM', 200],
    ['SIGKILL', 50],
  ] as const) {
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    for (let tried = 0; tried < tries; tried += 1) {
      if (commandLine(pid) === '') return
      await wait(100)
    }
  }
}
