#!/usr/bin/env bash
# The static helper in real containers: hardened as bottles are, in an ordinary image and in one from scratch, each deny beside a control in which it fails.
# Usage: battery.sh HELPER [SECCOMP-PROFILE]. Needs a Docker engine and the image bb-base:lab (or $BASE_IMAGE). Exit 0 when every line is "ok".
set -u
helper=$(realpath "$1")
seccomp=${2:+seccomp=$(realpath "$2")}
base=${BASE_IMAGE:-bb-base:lab}
prefix=guestlab_$$
work=$(mktemp -d)
failures=0

ok() { # NAME COMMAND…: the command succeeds
  local name=$1; shift
  if "$@" >"$work/out" 2>&1; then echo "ok $name"; else echo "not ok $name"; sed 's/^/  /' "$work/out"; failures=$((failures + 1)); fi
}
code() { # WANT COMMAND…: the command ends with this exit code
  local want=$1; shift
  "$@"; [ $? -eq "$want" ]
}
holds() { # TEXT COMMAND…: the command prints this text
  local text=$1; shift
  "$@" 2>&1 | tee "$work/held" | grep -qF -- "$text" || { cat "$work/held"; return 1; }
}
clean() {
  docker rm -f ${prefix}_holder ${prefix}_agent ${prefix}_watch >/dev/null 2>&1
  docker volume rm ${prefix}_tools >/dev/null 2>&1
  docker image rm ${prefix}_scratch >/dev/null 2>&1
  rm -rf "$work"
}
trap clean EXIT

bottle() { # IMAGE: a holder and an agent container as the driver makes them
  docker rm -f ${prefix}_holder ${prefix}_agent >/dev/null 2>&1
  docker run -d --name ${prefix}_holder --network none --cap-drop ALL --sysctl net.ipv4.ip_unprivileged_port_start=1024 \
    --sysctl net.ipv6.conf.all.disable_ipv6=1 --sysctl net.ipv6.conf.default.disable_ipv6=1 --sysctl "net.ipv4.ping_group_range=1 0" "$base" sleep 600 >/dev/null
  docker run -d --name ${prefix}_agent --network container:${prefix}_holder --cap-drop ALL --security-opt no-new-privileges ${seccomp:+--security-opt "$seccomp"} \
    --user 1000:1000 --ulimit core=0 -e LD_PRELOAD=/evil.so -e GODEBUG=gctrace=1 --tmpfs /run/bb:mode=0700,uid=1000,gid=1000 \
    --tmpfs /workspace:mode=0755,uid=1000,gid=1000 -v ${prefix}_tools:/.bb:ro --entrypoint /.bb/guest "$1" init >/dev/null
  for _ in $(seq 100); do guest call <<<'{"op":"status"}' >/dev/null 2>&1 && return; done
}
guest() { docker exec -i -u 1000:1000 ${prefix}_agent /.bb/guest "$@"; }
root() { docker exec -i -u 0:0 ${prefix}_agent /.bb/guest "$@"; }
ask() { guest call <<<"$1"; }
network() { docker run --rm --network container:${prefix}_holder --cap-drop ALL -v ${prefix}_tools:/.bb:ro "$base" /.bb/guest probe network "$@"; }
process() { docker exec -u 1000:1000 "$@" ${prefix}_agent /.bb/guest probe process --uid 1000 --gid 1000 --readonly /.bb --mounts /.bb --mounts /run/bb --mounts /workspace; }

docker volume create ${prefix}_tools >/dev/null
ok "fill copies the helper" docker run --rm --network none --cap-drop ALL -v ${prefix}_tools:/tools -v "$helper":/helper:ro "$base" /helper fill /tools
printf 'FROM scratch\nCOPY x /x\n' >"$work/Dockerfile"; echo x >"$work/x"
docker build -q -t ${prefix}_scratch "$work" >/dev/null 2>&1

for image in "$base" ${prefix}_scratch; do
  echo "# $image"
  bottle "$image"
  ok "init reads back its own walls" holds "CapBnd:	0000000000000000" docker logs ${prefix}_agent
  ok "a start before ready is refused" holds '"code":"not-ready"' ask '{"op":"start","argv":["/.bb/guest","version"]}'
  ok "attach without a program is 125" code 125 guest attach --no-stdin
  ok "ready" holds '"ready":true' ask '{"op":"ready"}'
  ok "a program starts on a terminal" holds '"state":"running"' ask '{"op":"start","argv":["/.bb/guest","version"],"tty":true}'
  ok "attach replays it" holds '"os":"linux"' guest attach --replay --no-stdin
  ok "the engine's log has it" holds '"os":"linux"' docker logs ${prefix}_agent
  ok "its code passes through" bash -c "docker exec -i -u 1000:1000 ${prefix}_agent /.bb/guest call <<<'{\"op\":\"start\",\"argv\":[\"/.bb/guest\",\"nope\"]}' && docker exec -u 1000:1000 ${prefix}_agent /.bb/guest attach --replay --no-stdin; [ \$? = 2 ]"
  ok "relay speaks to a socket" bash -c "echo '{\"op\":\"status\"}' | docker exec -i -u 1000:1000 ${prefix}_agent /.bb/guest relay /run/bb/init.sock | grep -q ok"
  ok "relay without a listener is 4" code 4 guest relay /nowhere
  mkdir -p "$work/tree/a"; head -c 2000000 /dev/urandom >"$work/tree/a/big"; ln -sf big "$work/tree/a/link"
  ok "a tree goes in" bash -c "tar -C $work/tree -cf - . | docker exec -i -u 1000:1000 ${prefix}_agent /.bb/guest put /workspace/tree"
  ok "and comes out the same" bash -c "rm -rf $work/back; mkdir $work/back; docker exec -u 1000:1000 ${prefix}_agent /.bb/guest get /workspace/tree | tar -C $work/back -xf - && diff -r $work/tree $work/back"
  ln -sf /etc/passwd "$work/evil"
  ok "a link out of the tree is refused" bash -c "tar -C $work -cf - evil | docker exec -i -u 1000:1000 ${prefix}_agent /.bb/guest put /workspace/tree; [ \$? = 3 ]"
  ok "network probe passes" network --canary 172.17.0.1:80
  [ -n "$seccomp" ] && ok "process probe passes" process
  ok "process probe sees an agent socket variable" code 1 process -e SSH_AUTH_SOCK=/x
  ok "SIGTERM ends init with 0" bash -c "docker stop -t 5 ${prefix}_agent && [ \$(docker inspect -f '{{.State.ExitCode}}' ${prefix}_agent) = 0 ]"
done

echo "# controls"
bottle "$base"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /dev/null -out "$work/root.pem" -days 30 -subj "/O=Bot  Bottle/CN=Root" 2>/dev/null
ok "the root is installed" bash -c "docker exec -i -u 0:0 ${prefix}_agent /.bb/guest trust install --cert-stdin <$work/root.pem"
ok "and openssl in the bottle believes it" bash -c "docker exec -i -e LD_PRELOAD= ${prefix}_agent openssl verify <$work/root.pem"
docker run -d --name ${prefix}_watch --network container:${prefix}_holder --cap-drop ALL -v ${prefix}_tools:/.bb:ro "$base" /.bb/guest watch-links >/dev/null
for _ in $(seq 50); do docker logs ${prefix}_watch | grep -q links && break; done
docker network disconnect none ${prefix}_holder; docker network connect bridge ${prefix}_holder
ok "the tripwire tells a new link" holds '"link":"eth0"' docker logs ${prefix}_watch
ok "the network probe fails with a bridge" code 1 network

echo "# $failures failed"
[ $failures -eq 0 ]
