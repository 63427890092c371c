/** References to secrets: a value where a name belongs is said without showing it. */
import { at, text, type Node } from '../node.ts'
import type { Report } from '../report.ts'
import { looksLikeToken } from '../secret-ref.ts'

export function checkReference(reference: Node | undefined, report: Report): void {
  for (const node of [reference, at(reference, 'env')]) {
    const name = text(node)
    if (node && name !== undefined && looksLikeToken(name)) {
      report.error(
        'secret-in-manifest',
        node.place,
        'this looks like a secret itself; here stands only where it is to be had',
        'put it into a variable or a file and name that; revoke it if this file was shared',
      )
    }
  }
}
