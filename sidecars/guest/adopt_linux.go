// adopt [--keep FD] PROGRAM [ARGUMENT…]: runs one program, which starts others, and is the parent of whatever these leave behind: every one is waited for.
// Ends with the code of the program, 128 + its signal; what is left of its tree is killed first. The program ends with this process, however that ends.
package main

import (
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	prSetChildSubreaper = 36
	// Where memory runs out these go, before anything else of the bundle.
	adoptedOomScore = "500"
	adoptedGrace    = 2 * time.Second
)

func adopt(args []string) error {
	flags := newArguments()
	keep := flags.Int("keep", -1, "descriptor that the program gets beside its standard streams, under its own number")
	// The program's flags are its own: they come after "--".
	words, err := flags.words(args, 1, -1)
	if err != nil {
		return err
	}
	if *keep != -1 && *keep != 3 {
		return usage("--keep is 3")
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		return broken("PR_SET_CHILD_SUBREAPER: %v", errno)
	}
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte(adoptedOomScore), 0); err != nil {
		return broken("oom_score_adj: %v", err)
	}
	// Last, because it takes the files of this process away from its user: who runs as the same user reads nothing here.
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0); errno != 0 {
		return broken("PR_SET_DUMPABLE 0: %v", errno)
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	files := []uintptr{0, 1, 2}
	if *keep == 3 {
		files = append(files, 3)
	}
	// The kernel watches the thread that forks, not the process.
	runtime.LockOSThread()
	family := newChildren()
	pid, ended, err := family.start(words[0], words, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: files,
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return absent("%s: %v", words[0], err)
	}
	if *keep == 3 {
		syscall.Close(3)
	}
	go family.reap()
	for {
		select {
		case <-terminated:
			syscall.Kill(pid, syscall.SIGTERM)
		case status := <-ended:
			killAdopted(time.Now().Add(adoptedGrace))
			return &failure{endCode(status), ""}
		}
	}
}

func endCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// killAdopted returns when no process has this one for its parent: what a killed one leaves behind comes here next.
func killAdopted(deadline time.Time) {
	for time.Now().Before(deadline) {
		left := childrenOf(os.Getpid())
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func childrenOf(parent int) (pids []int) {
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// PID (NAME) STATE PARENT …, and the name may hold anything.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}
