/**
 * Loaded into a process of the program (`node --import`): a signal to itself at the n-th point, or at none and only
 * counting. A point is a row of the journal that was begun, one that is about to end, one that has ended, or a call
 * that the engine has answered. The product knows nothing of this.
 *
 * `KILL_AT` number of the point; `KILL_WITH` the signal, default SIGKILL; `KILL_ON` a regular expression of the points
 * that count, default rows and changing calls; `KILL_TRACE` a file that gets one line per point.
 */
import { channel } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import type { ClientRequest } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import type { SQLInputValue, StatementSync } from 'node:sqlite'

const at = Number(process.env['KILL_AT'] ?? 0)
const signal = process.env['KILL_WITH'] ?? 'SIGKILL'
const counts = new RegExp(process.env['KILL_ON'] ?? '^journal:|^engine: (POST|PUT|DELETE)')
const trace = process.env['KILL_TRACE'] ?? ''
let reached = 0

function point(what: string): void {
  if (!counts.test(what)) return
  reached += 1
  if (trace !== '') appendFileSync(trace, `${what}\n`)
  if (reached === at) process.kill(process.pid, signal)
}

// oxlint-disable-next-line typescript/unbound-method
const prepare = DatabaseSync.prototype.prepare
DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql: string): StatementSync {
  const statement = prepare.call(this, sql)
  if (/^\s*INSERT INTO operations/.test(sql)) around(statement, undefined, 'began a row')
  if (/^\s*UPDATE operations SET ended_at = \?, outcome = \?/.test(sql))
    around(statement, 'about to end a row', 'ended a row')
  return statement
}

function around(statement: StatementSync, before: string | undefined, after: string): void {
  const run = statement.run.bind(statement)
  statement.run = (...values: [Record<string, SQLInputValue>, ...SQLInputValue[]] | SQLInputValue[]) => {
    if (before !== undefined) point(`journal: ${before}`)
    const changed = run(...(values as SQLInputValue[]))
    point(`journal: ${after}`)
    return changed
  }
}

channel('http.client.response.finish').subscribe((message) => {
  const { request } = message as { readonly request: ClientRequest }
  point(`engine: ${request.method} ${request.path.replace(/[0-9a-f]{64}/, 'ID')}`)
})
