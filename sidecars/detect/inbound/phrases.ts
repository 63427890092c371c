/**
 * Words by which a text tells an agent what to do. Each pattern has bounded repetitions only, so that a search is linear;
 * all expect plain text (`plain.ts`). In what a person sees, several signs have to follow each other closely, since
 * texts about agents have each of them; in what nobody sees, fewer are enough.
 */

/** A few words. */
const SOME = String.raw`(?: [a-z'’]{1,15}){0,4}`
/** Of one sentence: a dot inside a name ends none. */
const WITHIN = String.raw`(?:[^.!?]|[.!?](?! ))`
const BEFORE = '(?:previous|prior|above|earlier|preceding|foregoing|system)'

/** What was said before is not to count. */
const OVERRIDE = new RegExp(
  String.raw`\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|(?:do not|don't|stop) follow(?:ing)?)${SOME} (?:${BEFORE}(?: [a-z]{1,15}){0,2} (?:instructions?|prompts?|directions|directives?|guidelines|commands|rules|constraints)|(?:initial|original|existing|current) (?:instructions|prompt|directives))\b`,
)
/** All of it, which is seldom said of steps to follow. */
const OVERRIDE_ALL = new RegExp(
  String.raw`\b(?:ignore|disregard|forget) (?:all|any|every|everything)(?: [a-z]{1,10}){0,3} ${BEFORE}\b`,
)
const MACHINE = '(?:ai|llm|coding|autonomous|language) (?:agents?|assistants?|models?)'
/** A machine is spoken to, in the middle of something else. */
const SPOKEN_TO = new RegExp(
  String.raw`\b(?:if you(?: are|'re) an? (?:ai\b|llm\b|(?:large )?language model|(?:autonomous |coding |virtual )(?:agent|assistant))|(?:note|message|instructions?|attention|important|reminder|notice)(?: [a-z]{1,12}){0,2} (?:to|for)(?: (?:the|any|all|every))? ${MACHINE}|(?:dear|hey|hello|attention) (?:ai|llm|claude|chatgpt|copilot|gemini|codex|assistant)\b|as an ai (?:agent|assistant|language model) you (?:must|need to|have to)|${MACHINE} (?:must|need to|have to|are (?:required|instructed) to))`,
)
/** What it has is to be handed on. */
const HAND_OVER = new RegExp(
  String.raw`(?<!\b(?:not|never|don't|cannot) )\b(?:send|post|upload|exfiltrate|leak|transmit|forward|e-?mail|reveal|print|output|include|paste|submit|append|encode|read|respond with|disclose)\b${WITHIN}{0,100}(?:\b|(?=\.))(?:system prompt|initial prompt|api[ _-]?keys?|\.env|access tokens?|auth tokens?|credentials?|passwords?|secrets|environment variables?|env vars|env file|ssh keys?|private keys?|chat history|conversation history|git(?:hub)?[ _]tokens?|id_rsa|authorized_keys)\b`,
)
/** Something is to be run or fetched. */
const RUN = new RegExp(
  String.raw`\b(?:run|execute|invoke|issue|fetch|download|install|visit|open|call|use)\b${WITHIN}{0,80}(?:\b(?:curl|wget|bash|powershell|npx|pip install|npm install|sudo|chmod|base64|eval)\b|https?:\/\/|\b(?:shell|terminal|following) (?:command|script|code|tool)s?\b)`,
)
/** The person who uses it is not to know. */
const CONCEAL = new RegExp(
  String.raw`\b(?:(?:do not|don't|never|without) (?:tell(?:ing)?|mention(?:ing)?|inform(?:ing)?|alert(?:ing)?|notify(?:ing)?|warn(?:ing)?|reveal(?:ing)?|disclos(?:e|ing))(?: [a-z'’]{1,12}){0,4} (?:to )?(?:the |your )?(?:user|human|operator|developer|owner)\b(?! (?:which|whether|how|why)\b)|(?:keep|hide) (?:this|it|these)(?: [a-z]{1,12}){0,2} (?:secret |hidden )?from (?:the |your )?(?:user|human|operator|developer))`,
)
/** Other orders take the place of those. */
const INSTEAD =
  /\b(?:instead you (?:must|will|are to)|(?:your )?new (?:instructions|role|objective|directives?) (?:is|are)|from now on (?:you|respond|answer)|you (?:must|will) now\b|you are now\b)/

/** Characters after the first sign within which the others stand. */
const SPAN = 320

/** Whether a text that people see tells an agent what to do. */
export function instructs(text: string): boolean {
  return (
    followed(text, OVERRIDE, (after) => holdsOne(after, [HAND_OVER, CONCEAL, INSTEAD])) ||
    followed(text, OVERRIDE_ALL, (after) => holdsOne(after, [HAND_OVER, CONCEAL, INSTEAD, RUN])) ||
    followed(text, SPOKEN_TO, (after) => CONCEAL.test(after) && holdsOne(after, [HAND_OVER, RUN]))
  )
}

/** The same for a text that is kept from people. */
export function instructsHidden(text: string): boolean {
  return (
    OVERRIDE.test(text) ||
    OVERRIDE_ALL.test(text) ||
    followed(text, SPOKEN_TO, (after) => holdsOne(after, [HAND_OVER, RUN, CONCEAL]))
  )
}

const holdsOne = (text: string, patterns: readonly RegExp[]): boolean =>
  patterns.some((pattern) => pattern.test(text))

/** Looks at what follows every sign; signs close to each other share a look. */
function followed(text: string, first: RegExp, holds: (after: string) => boolean): boolean {
  const every = new RegExp(first, 'g')
  let next = 0
  for (let match = every.exec(text); match !== null; match = every.exec(text)) {
    if (match.index < next) continue
    if (holds(text.slice(match.index, match.index + match[0].length + SPAN))) return true
    next = match.index + SPAN / 4
  }
  return false
}
