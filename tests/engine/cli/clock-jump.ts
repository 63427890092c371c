/** Loaded into a process of the program: the time of day jumps by `CLOCK_JUMP` milliseconds as soon as the first row of the journal is written. */
import { DatabaseSync } from 'node:sqlite'

const jump = Number(process.env['CLOCK_JUMP'] ?? 0)
const now = Date.now.bind(Date)
let jumped = false
Date.now = () => now() + (jumped ? jump : 0)

// oxlint-disable-next-line typescript/unbound-method
const prepare = DatabaseSync.prototype.prepare
DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql: string) {
  jumped ||= sql.startsWith('INSERT INTO operations')
  return prepare.call(this, sql)
}
