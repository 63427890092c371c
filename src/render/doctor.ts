/** What `doctor` found: right things first, then each wrong one with the command that mends it. */
import type { DoctorFinding } from '../ports/driver.ts'
import { safeText } from '../model/text.ts'
import { padEnd, widthOf } from './columns.ts'
import { signs, tint } from './style.ts'
import type { Style } from './style.ts'
import { count } from './words.ts'

export function doctorLines(findings: readonly DoctorFinding[], style: Style): string[] {
  const { done, failed } = signs(style)
  const widest = Math.max(0, ...findings.map((finding) => widthOf(safeText(finding.check))))
  const line = (finding: DoctorFinding): string => {
    const sign = finding.ok ? tint(style, 'green', done) : tint(style, 'red', padEnd(failed, done.length))
    return `${sign} ${padEnd(safeText(finding.check), widest)}  ${safeText(finding.found)}`.trimEnd()
  }
  const right = findings.filter((finding) => finding.ok)
  const wrong = findings.filter((finding) => !finding.ok)
  return [
    ...right.map(line),
    ...wrong.flatMap((finding) => [
      line(finding),
      ...(finding.mend === undefined ? [] : [`    mend: ${safeText(finding.mend)}`]),
    ]),
    '',
    wrong.length === 0
      ? `everything right, ${count(right.length, 'check')}`
      : `${count(wrong.length, 'finding')}, ${right.length} right`,
  ]
}
