#!/bin/sh
# The shell part of every recipe: one verb each, so that what a pipeline does can be tried on a laptop.
#
#   bot-bottle-ci.sh plan     diff, saved to $PLAN, as Markdown in $COMMENT   (pull request)
#   bot-bottle-ci.sh apply    carries out $PLAN when it is there, else plans and applies with --yes   (merge)
#   bot-bottle-ci.sh drift    diff --drift   (nightly)
#
# Exit: plan 0 whether or not something differs, else the exit code of bot-bottle; apply and drift pass it on.
# Settings: BOT_BOTTLE (program, default bot-bottle), BOT_BOTTLE_HOME (state, see README.md), BOT_BOTTLE_FILE (manifest),
# PLAN (default plan.json), COMMENT (default plan.md), LOCK_TIMEOUT (default 10m).
set -eu

program=${BOT_BOTTLE:-bot-bottle}
plan=${PLAN:-plan.json}
comment=${COMMENT:-plan.md}
: "${BOT_BOTTLE_HOME:?must name a folder that stays on the runner, see contrib/ci/README.md}"

plan() {
  code=0
  # Two looks, one for people and one for `apply`: neither takes a lock or runs anything from the manifest.
  "$program" diff --output markdown >"$comment" || code=$?
  if [ "$code" -gt 1 ]; then
    # The reasons stand in the log; they may quote the manifest and stay out of the comment.
    printf '%s\n' '### bot-bottle could not make a plan' '' "Exit code $code; the log of this job says why." >"$comment"
    exit "$code"
  fi
  code=0
  "$program" diff --out "$plan" >/dev/null || code=$?
  [ "$code" -le 1 ] || exit "$code"
}

apply() {
  # A lock of a cancelled job died with its process: waiting is all there is to do.
  if [ -e "$plan" ]; then
    exec "$program" apply --plan "$plan" --lock-timeout "${LOCK_TIMEOUT:-10m}"
  fi
  exec "$program" apply --yes --lock-timeout "${LOCK_TIMEOUT:-10m}"
}

case ${1:-} in
  plan) plan ;;
  apply) apply ;;
  drift) exec "$program" diff --drift ;;
  *)
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
