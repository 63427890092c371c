// probe network|process|bundle: the breakout battery. Each check is attempted, judged and reported; none can be left out. Exit 0 when all hold, else 1.
package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

type check struct {
	Id      string `json:"id"`
	Ok      bool   `json:"ok"`
	Attempt string `json:"attempt"`
	Result  string `json:"result"`
	Control string `json:"control"`
}

type report struct {
	Ok      bool           `json:"ok"`
	Probe   string         `json:"probe"`
	Ms      int64          `json:"ms"`
	Checks  []check        `json:"checks"`
	Daemons []daemonStatus `json:"daemons,omitempty"`
}

func probe(args []string) error {
	if len(args) == 0 {
		return usage("network, process or bundle?")
	}
	probes := map[string]func([]string) (report, error){"network": probeNetwork, "process": probeProcess, "bundle": probeBundle}
	run, known := probes[args[0]]
	if !known {
		return usage("network, process or bundle, not %s", args[0])
	}
	begun := time.Now()
	told, err := run(args[1:])
	if err != nil {
		return err
	}
	told.Probe, told.Ms, told.Ok = args[0], time.Since(begun).Milliseconds(), true
	for _, one := range told.Checks {
		told.Ok = told.Ok && one.Ok
	}
	if err := printJSON(told); err != nil || told.Ok {
		return err
	}
	return no()
}

// equals is a reading compared with what it must be.
func equals(id, attempt, want string, got string, err error) check {
	if err != nil {
		return check{id, false, attempt, err.Error(), ""}
	}
	if got != want {
		got = fmt.Sprintf("%s, must be %s", got, want)
		return check{id, false, attempt, got, ""}
	}
	return check{id, true, attempt, got, ""}
}

func readLine(path string) (string, error) {
	text, err := os.ReadFile(path)
	return strings.TrimSpace(string(text)), err
}

func outcome(errno syscall.Errno, killed syscall.Signal, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case killed != 0:
		return "killed by SIG" + signalName(killed)
	case errno != 0:
		return errno.Error()
	}
	return "succeeded"
}

// isRefusal: the caller was not allowed, or the kernel has no such thing. Any other error means that the call was looked at.
func isRefusal(errno syscall.Errno) bool {
	return errno == syscall.EPERM || errno == syscall.EACCES || errno == syscall.ENOSYS
}

// abstractSockets lists what has no path but a name in the network namespace.
func abstractSockets() check {
	const attempt = "names with @ in /proc/net/unix"
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return check{"abstract-sockets", false, attempt, err.Error(), ""}
	}
	found := []string{}
	for _, line := range strings.Split(string(text), "\n") {
		if fields := strings.Fields(line); len(fields) > 7 && strings.HasPrefix(fields[7], "@") {
			found = append(found, fields[7])
		}
	}
	return equals("abstract-sockets", attempt, "[]", fmt.Sprint(found), nil)
}
