/** Every field of one object and the line it came from; with --url, what egress would say to one request and why. */
import { EXIT, UsageError } from '../../model/errors.ts'
import { explain } from '../../manifest/explain.ts'
import { decisionLines } from '../../render/decision.ts'
import { explainLines } from '../../render/explain.ts'
import { safeJson } from '../../render/safe-json.ts'
import { askedRequest, decide } from '../egress/decide.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { loadFor } from '../stack/load.ts'
import type { Loaded } from '../stack/load.ts'
import { homeOf } from '../stack/home-of.ts'
import { selectedBottles } from '../stack/stack.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, output } = invocation
  const url = options.text('url')
  const [subject] = args
  if (url === undefined) {
    const only = ['bottle', 'method'].find((name) => options.text(name) !== undefined)
    const alone = only ?? (options.list('header').length > 0 ? 'header' : undefined)
    if (alone !== undefined) throw new UsageError(`--${alone} goes with --url only`, { code: 'bad-option' })
    if (subject === undefined)
      throw new UsageError('explain needs ADDRESS or --url', {
        code: 'missing-argument',
        hint: "usage: bot-bottle explain ADDRESS, or bot-bottle explain --url 'METHOD URL'",
      })
  } else if (subject !== undefined)
    throw new UsageError(`explain --url takes no argument \`${subject}\``, {
      code: 'excess-argument',
      hint: `to ask about one bottle: --bottle ${subject}`,
    })
  const home = homeOf(invocation)
  if (url !== undefined) {
    const asked = askedRequest(url, options.text('method'), options.list('header'))
    return explainUrl(invocation, asked, await loadFor(invocation, home))
  }
  const explained = explain(await loadFor(invocation, home), subject ?? '')
  output.result(
    isJson(invocation) ? safeJson(explained, 2).split('\n') : explainLines(explained, output.style),
  )
  return EXIT.done
}

/** 0 where every bottle that was asked about would let it through, else 1. */
function explainUrl(
  invocation: Invocation,
  asked: ReturnType<typeof askedRequest>,
  { desired }: Loaded,
): number {
  const { options, output } = invocation
  const named = options.text('bottle')
  const bottles = selectedBottles(named === undefined ? [] : [named], desired.bottles) ?? desired.bottles
  const decisions = bottles.map((bottle) => decide(desired.resources, bottle, asked))
  const { method, url } = asked
  output.result(
    isJson(invocation)
      ? safeJson({ method, url, decisions }, 2).split('\n')
      : decisionLines(asked, decisions, output.style),
  )
  return decisions.every(({ allowed }) => allowed) ? EXIT.done : EXIT.differences
}

const isJson = ({ options }: Invocation): boolean => options.flag('json') || options.text('output') === 'json'
