/** What an agent changed in its workspace since it was filled. Listed and compared from within the bottle; git is run there alone. */
import { randomBytes } from 'node:crypto'
import { EXIT } from '../../model/errors.ts'
import { safeJson } from '../../render/safe-json.ts'
import { changeLines, diffLines } from '../../render/changes.ts'
import type { Change } from '../../render/changes.ts'
import { AGENT } from '../../resources/guest/environment.ts'
import { withBottle } from '../stack/bottle.ts'
import type { OpenBottle } from '../stack/bottle.ts'
import { ask, helperAnswer } from '../workspace/bottle-files.ts'
import type { Answer } from '../workspace/bottle-files.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { workspaceChanges } from '../workspace/workspace-changes.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, output } = invocation
  const [name = ''] = args
  return withBottle(invocation, name, async (bottle) => {
    const { changes, commit } = await workspaceChanges(bottle)
    if (options.text('output') === 'json') {
      const document = {
        version: 1,
        stack: bottle.stack,
        bottle: name,
        ...(commit !== undefined && { commit }),
        changes,
      }
      output.result([safeJson(document, 2)])
      return EXIT.done
    }
    const diff =
      commit === undefined || options.flag('stat') || changes.length === 0
        ? undefined
        : await differenceOf(bottle, commit, changes)
    if (typeof diff === 'object') {
      output.result(diffLines(diff.out, output.style))
      if (diff.isCut) output.note(['the difference is longer than 16 MB and was cut: --stat lists the files'])
      return EXIT.done
    }
    if (diff !== undefined) output.note([diff])
    output.result(changeLines(name, changes, output.style))
    return EXIT.done
  })
}

/** Bytes of a difference. */
const DIFF_MAX = 16 * 1024 * 1024
/** Bytes of all paths that one program is given. */
const PATHS_MAX = 100_000

/** By the bottle's own git with an index of its own, so that nothing of the agent's changes; words where it cannot be had. */
async function differenceOf(
  bottle: OpenBottle,
  commit: string,
  changes: readonly Change[],
): Promise<Answer | string> {
  const index = `/tmp/.bot-bottle-changes-${randomBytes(6).toString('hex')}`
  const git = async (args: readonly string[], input?: string, most?: number): Promise<Answer> => {
    const execution = await bottle.driver.exec(bottle.stack, bottle.name, {
      argv: ['git', '--literal-pathspecs', '-c', 'core.quotePath=false', ...args],
      env: { GIT_INDEX_FILE: index, GIT_OPTIONAL_LOCKS: '0', GIT_PAGER: 'cat' },
      cwd: AGENT.workspace,
    })
    return ask(execution, input, most)
  }
  try {
    const made = await git(['read-tree', commit])
    if (made.code === 127) return 'the image has no git: files only'
    if (made.code !== 0) return 'git in the bottle does not have the commit it was filled with: files only'
    const fresh = await git(['ls-files', '--others', '--exclude-standard', '-z'])
    const added = fresh.out.split('\0').filter((path) => path !== '' && isAdded(path, changes))
    if (added.length > 0)
      await git(['add', '--intent-to-add', '--pathspec-from-file=-', '--pathspec-file-nul'], added.join('\0'))
    const paths = changes.map(({ path }) => path)
    const few = paths.join('\0').length <= PATHS_MAX ? paths : []
    const diff = await git(
      ['diff', '--no-color', '--no-ext-diff', '--no-textconv', commit, '--', ...few],
      '',
      DIFF_MAX,
    )
    return diff.code === 0 ? diff : 'git in the bottle shows no difference: files only'
  } finally {
    await helperAnswer(bottle, ['remove', index])
  }
}

function isAdded(path: string, changes: readonly Change[]): boolean {
  return changes.some(
    (change) =>
      change.change === 'added' &&
      (change.path === path || (change.type === 'dir' && path.startsWith(`${change.path}/`))),
  )
}
