/** What `freeze` made and what it left out. */
import { safeText } from '../model/text.ts'
import type { Frozen } from '../ports/driver.ts'
import { count, dataSize } from './words.ts'

/** `wasRunning`: it goes on, without its program. */
export function frozenLines(
  bottle: string,
  { reference, bytes, leftOut }: Frozen,
  wasRunning: boolean,
): readonly string[] {
  const { ownFiles, roots, blanked, blankedMore, marked, variables } = leftOut
  const name = safeText(bottle)
  return [
    `${name} is frozen: ${safeText(reference)}, ${dataSize(bytes)}`,
    '',
    'left out:',
    `  ${count(ownFiles, 'file')} with its environment, certificates and git configuration`,
    `  ${count(roots, 'copy', 'copies')} of its certificate in the store of its system`,
    ...blanked.map((path) => `  a placeholder or the canary in ${safeText(path, 200)}, blanked there`),
    ...(blankedMore > 0 ? [`  the same in ${count(blankedMore, 'more file')}`] : []),
    ...(marked > 0 ? [`  ${count(marked, 'file')} with a placeholder or the canary in the name`] : []),
    ...(variables.length > 0
      ? [
          `  of its image the variables ${variables.map((one) => safeText(one)).join(', ')}: they have a line break`,
        ]
      : []),
    '  /workspace and /home/agent: they are volumes, and stay as they are',
    '  /tmp and what ran',
    '',
    wasRunning
      ? `${name} goes on without its agent: bot-bottle resume ${name}`
      : `${name} stays stopped: bot-bottle resume ${name}`,
  ]
}
