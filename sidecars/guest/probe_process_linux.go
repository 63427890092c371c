// probe process --uid N --gid N [--groups N,N] [--readonly TARGET …] [--mounts TARGET …]: in the agent container, as the agent's user: no capability, no new
// privileges, our seccomp filter in force on every entry into the kernel, no low port, no engine in reach, mounts as they were asked for.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

const sysIoUringSetup = 425 // the same on all architectures

func probeProcess(args []string) (report, error) {
	flags := newArguments()
	uid := flags.Int("uid", -1, "expected")
	gid := flags.Int("gid", -1, "expected")
	groups := flags.String("groups", "", "expected, comma separated")
	var readonly, mounts repeated
	flags.Var(&readonly, "readonly", "mount that must be read-only")
	flags.Var(&mounts, "mounts", "mount that may be there")
	if _, err := flags.words(args, 0, 0); err != nil {
		return report{}, err
	}
	if *uid < 0 || *gid < 0 {
		return report{}, usage("--uid and --gid are missing")
	}
	checks := statusChecks(*uid, *gid, *groups)
	checks = append(checks, coreLimit())
	checks = append(checks, families()...)
	checks = append(checks, forkControl())
	checks = append(checks, otherEntries()...)
	checks = append(checks, forbiddenCalls()...)
	checks = append(checks, corePattern())
	checks = append(checks, binds()...)
	checks = append(checks, engineSockets(), engineVariables())
	checks = append(checks, mountChecks(readonly, mounts)...)
	return report{Checks: checks}, nil
}

// readStatus is /proc/PID/status by field, values with single spaces.
func readStatus(pid string) (map[string]string, error) {
	text, err := os.ReadFile("/proc/" + pid + "/status")
	fields := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if colon := strings.IndexByte(line, ':'); colon > 0 {
			fields[line[:colon]] = strings.Join(strings.Fields(line[colon+1:]), " ")
		}
	}
	return fields, err
}

func statusChecks(uid, gid int, groups string) []check {
	status, err := readStatus("self")
	var caps []string
	for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
		caps = append(caps, strings.TrimLeft(status[set], "0")+".")
	}
	four := func(id int) string { return strings.TrimSuffix(strings.Repeat(strconv.Itoa(id)+" ", 4), " ") }
	want := strings.ReplaceAll(groups, ",", " ")
	if groups == "" && status["Groups"] == strconv.Itoa(gid) {
		want = strconv.Itoa(gid)
	}
	const attempt = "read /proc/self/status"
	return []check{
		equals("caps", attempt+" CapInh CapPrm CapEff CapBnd CapAmb", ". . . . .", strings.Join(caps, " "), err),
		equals("no-new-privileges", attempt+" NoNewPrivs", "1", status["NoNewPrivs"], err),
		equals("seccomp", attempt+" Seccomp", "2", status["Seccomp"], err),
		equals("uid", attempt+" Uid", four(uid), status["Uid"], err),
		equals("gid", attempt+" Gid", four(gid), status["Gid"], err),
		equals("groups", attempt+" Groups", want, status["Groups"], err),
	}
}

func coreLimit() check {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit)
	return equals("core-limit", "RLIMIT_CORE", "0 0", fmt.Sprintf("%d %d", limit.Cur, limit.Max), err)
}

func families() []check {
	var checks []check
	for _, family := range []struct {
		name   string
		number int
		kind   int
	}{
		{"VSOCK", 40, syscall.SOCK_STREAM}, {"ALG", 38, syscall.SOCK_SEQPACKET}, {"PACKET", syscall.AF_PACKET, syscall.SOCK_RAW},
		{"BLUETOOTH", 31, syscall.SOCK_RAW}, {"TIPC", 30, syscall.SOCK_STREAM},
	} {
		errno, killed, err := attempt(syscall.SYS_SOCKET, uintptr(family.number), uintptr(family.kind), 0)
		ok := err == nil && (isRefusal(errno) || errno == syscall.EAFNOSUPPORT || killed == syscall.SIGSYS)
		checks = append(checks, check{"family:" + family.name, ok, fmt.Sprintf("socket(%d, %d)", family.number, family.kind), outcome(errno, killed, err), "family-control"})
	}
	result := "opened"
	for _, family := range []int{syscall.AF_INET, syscall.AF_UNIX} {
		if errno, killed, err := attempt(syscall.SYS_SOCKET, uintptr(family), syscall.SOCK_STREAM, 0); err != nil || killed != 0 || errno != 0 {
			result = fmt.Sprintf("family %d: %s", family, outcome(errno, killed, err))
		}
	}
	return append(checks, equals("family-control", "socket(AF_INET), socket(AF_UNIX)", "opened", result, nil))
}

func forkControl() check {
	errno, killed, err := attempt(syscall.SYS_GETPID)
	return equals("fork-control", "getpid in a child", "succeeded", outcome(errno, killed, err), nil)
}

func forbiddenCalls() []check {
	pointer := func(value any) uintptr {
		switch value := value.(type) {
		case string:
			text, _ := syscall.BytePtrFromString(value)
			return uintptr(unsafe.Pointer(text))
		case *[128]byte:
			return uintptr(unsafe.Pointer(value))
		}
		return 0
	}
	// Large enough for every structure below; PERF_TYPE_SOFTWARE with its size, BPF_MAP_TYPE_ARRAY 4 8 1, a file handle of 8 bytes.
	var uring, perf, bpf, handle [128]byte
	perf[0], perf[4] = 1, 112
	bpf[0], bpf[4], bpf[8], bpf[12] = 2, 4, 8, 1
	handle[0], handle[4] = 8, 1
	namespace, _ := syscall.Open("/proc/self/ns/net", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	defer syscall.Close(namespace)
	const newUser, newNet, atCwd, noPid = 0x10000000, 0x40000000, ^uintptr(99), ^uintptr(0)
	var checks []check
	for _, call := range []struct {
		id        string
		number    uintptr
		arguments []uintptr
	}{
		{"io_uring", sysIoUringSetup, []uintptr{1, pointer(&uring)}},
		{"unshare-user", syscall.SYS_UNSHARE, []uintptr{newUser}},
		{"mount", syscall.SYS_MOUNT, []uintptr{pointer("none"), pointer("/"), pointer("tmpfs"), 0, 0}},
		{"setns", sysSetns, []uintptr{uintptr(namespace), newNet}},
		{"bpf", sysBpf, []uintptr{0, pointer(&bpf), 72}},
		{"perf_event_open", syscall.SYS_PERF_EVENT_OPEN, []uintptr{pointer(&perf), 0, noPid, noPid, 0}},
		{"keyctl", syscall.SYS_KEYCTL, []uintptr{0, noPid - 2, 1}},
		{"userfaultfd", sysUserfaultfd, []uintptr{0}},
		{"open_by_handle_at", sysOpenByHandleAt, []uintptr{atCwd, pointer(&handle), 0}},
	} {
		errno, killed, err := attempt(call.number, call.arguments...)
		ok := err == nil && (isRefusal(errno) || killed == syscall.SIGSYS)
		checks = append(checks, check{call.id, ok, call.id + " in a child", outcome(errno, killed, err), "fork-control"})
	}
	return checks
}

// corePattern opens for writing and writes nothing: an open that succeeds is the failure.
func corePattern() check {
	const path = "/proc/sys/kernel/core_pattern"
	fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err == nil {
		syscall.Close(fd)
		return check{"core-pattern", false, "open " + path + " for writing", "opened", ""}
	}
	return check{"core-pattern", err == syscall.EROFS || err == syscall.EACCES || err == syscall.EPERM, "open " + path + " for writing", err.Error(), ""}
}

func binds() []check {
	var checks []check
	for _, place := range []struct {
		address string
		kind    int
	}{
		{"127.0.0.1:909", syscall.SOCK_STREAM}, {"127.0.0.2:909", syscall.SOCK_STREAM}, {"0.0.0.0:909", syscall.SOCK_STREAM},
		{"127.0.0.1:53", syscall.SOCK_STREAM}, {"127.0.0.1:53", syscall.SOCK_DGRAM},
	} {
		id := "bind:" + place.address
		if place.kind == syscall.SOCK_DGRAM {
			id = "bind:udp:" + place.address
		}
		err := tryBind(place.address, place.kind)
		checks = append(checks, check{id, err == syscall.EACCES, "bind " + place.address, connectResult(err), "bind-control"})
	}
	return append(checks, equals("bind-control", "bind 127.0.0.1:0", "accepted", connectResult(tryBind("127.0.0.1:0", syscall.SOCK_STREAM)), nil))
}

func tryBind(address string, kind int) error {
	ip, port, err := parseIPv4Port(address)
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_INET, kind|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: ip})
}

func engineSockets() check {
	found := []string{}
	for _, path := range []string{
		"/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock", "/run/buildkit/buildkitd.sock", "/run/crio/crio.sock",
		"/run/dbus/system_bus_socket", "/run/user/1000/bus", "/run/user/1000/docker.sock", "/run/user/1000/podman/podman.sock", "/run/user/1000/gnupg/S.gpg-agent",
		"/run/host-services/ssh-auth.sock", "/run/host-services/docker.proxy.sock", "/tmp/.X11-unix/X0", "/run/user/1000/wayland-0",
	} {
		if status, err := os.Stat(path); err == nil && status.Mode()&os.ModeSocket != 0 {
			found = append(found, path)
		}
	}
	return equals("engine-sockets", "stat of the usual paths", "[]", fmt.Sprint(found), nil)
}

func engineVariables() check {
	found := []string{}
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "KUBECONFIG"} {
		if _, set := os.LookupEnv(name); set {
			found = append(found, name)
		}
	}
	return equals("engine-variables", "environment", "[]", fmt.Sprint(found), nil)
}

type mountPoint struct {
	target   string
	readonly bool
}

// readMounts unescapes the octal of /proc/self/mountinfo. Of several mounts on one target the last is the one in force.
func readMounts() ([]mountPoint, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	var mounts []mountPoint
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 6 {
			continue
		}
		target := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(fields[4])
		mounts = append(mounts, mountPoint{target, fields[5] == "ro" || strings.HasPrefix(fields[5], "ro,")})
	}
	return mounts, err
}

func mountChecks(readonly, allowed []string) []check {
	mounts, err := readMounts()
	byTarget := map[string]string{}
	for _, mount := range mounts {
		byTarget[mount.target] = map[bool]string{true: "read-only", false: "writable"}[mount.readonly]
	}
	var checks []check
	for _, target := range readonly {
		state := byTarget[target]
		if state == "" {
			state = "not mounted"
		}
		checks = append(checks, equals("readonly:"+target, "read /proc/self/mountinfo", "read-only", state, err))
	}
	if len(allowed) == 0 {
		return checks
	}
	known := map[string]bool{"/": true, "/etc/hosts": true, "/etc/hostname": true, "/etc/resolv.conf": true}
	for _, target := range allowed {
		known[target] = true
	}
	unexpected := []string{}
	for _, mount := range mounts {
		engines := false
		for _, folder := range []string{"/proc", "/sys", "/dev"} {
			engines = engines || mount.target == folder || strings.HasPrefix(mount.target, folder+"/")
		}
		if !engines && !known[mount.target] {
			unexpected = append(unexpected, mount.target)
		}
	}
	return append(checks, equals("mounts", "read /proc/self/mountinfo, beyond what was asked for", "[]", fmt.Sprint(unexpected), err))
}
