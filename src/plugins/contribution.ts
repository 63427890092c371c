/**
 * The parse point for what a provider of a plug-in answers for one bottle: plain values of the form that
 * `schema/contribution.v1.json` has, and hosts that a manifest could declare. Behind it the type is true.
 */
import type { Contribution, McpRegistration } from '../model/provider.ts'
import { checkRouteList } from '../manifest/checks/routes.ts'
import { at, made, mapOf, type Node } from '../manifest/node.ts'
import { Report } from '../manifest/report.ts'
import { checkSchema } from '../manifest/schema-errors.ts'
import type { Json } from '../model/json.ts'
import { validate } from './validate-contribution.generated.js'

export function readContribution(
  answer: Json,
): { readonly contribution: Contribution } | { readonly problems: readonly string[] } {
  const report = new Report()
  if (isContribution(answer, report)) return { contribution: answer }
  const problems = report.diagnostics.map(
    ({ place, message, hint }) => `${place.file}: ${message}${hint === undefined ? '' : ` (${hint})`}`,
  )
  return {
    problems: problems.length > 0 ? problems : ['what it contributes is not of the form that is known'],
  }
}

/** Its files have the form of a contribution's and stand in place of them, its commands that of those that prove the program. */
export function readRegistration(
  answer: Json,
  { files, program, ...contributed }: Contribution,
): { readonly registration: McpRegistration } | { readonly problems: readonly string[] } {
  const { files: written, verify } = Object(answer) as Readonly<Record<string, Json>>
  const proofs = Array.isArray(verify) ? [...program.verify, ...verify] : []
  const read = readContribution(
    JSON.parse(
      JSON.stringify({ ...contributed, program: { ...program, verify: proofs }, files: written }),
    ) as Json,
  )
  if ('problems' in read) return read
  const strange = read.contribution.files.filter(({ path }) => !files.some((own) => own.path === path))
  if (strange.length > 0)
    return { problems: strange.map(({ path }) => `${path} is no file of its contribution`) }
  const { files: registered, program: proved } = read.contribution
  return {
    registration: { files: registered, verify: proved.verify.slice(program.verify.length) },
  }
}

function isContribution(value: Json, report: Report): value is Json & Contribution {
  const node = placed(value, 'contribution')
  checkSchema(node, value, report, undefined, validate)
  if (report.errors > 0 || !validate(value)) return false
  checkRouteList(at(node, 'routes'), report, [])
  return report.errors === 0
}

/** As if written in a file; its places are paths into the answer, which has no lines. */
function placed(value: Json, path: string): Node {
  const place = { file: path, line: 0, column: 0 }
  if (Array.isArray(value))
    return {
      kind: 'list',
      place,
      items: value.map((item, at) => ({ value: placed(item, `${path}[${at}]`) })),
    }
  if (value === null || typeof value !== 'object')
    return made(value as string | number | boolean | null, place)
  return mapOf(
    place,
    Object.entries(value).map(([key, inner]) => {
      const node = placed(inner, `${path}.${key}`)
      return { key, place: node.place, value: node }
    }),
  )
}
