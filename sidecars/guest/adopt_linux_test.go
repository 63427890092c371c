package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// built is the helper itself: adopting is about processes of its own.
func built(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "guest")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatal(what)
}

func isThere(pid int) bool {
	_, err := os.Stat("/proc/" + strconv.Itoa(pid))
	return err == nil
}

func TestAdopt(t *testing.T) {
	guest := built(t)
	t.Run("ends as its program does", func(t *testing.T) {
		for script, code := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -9 $$": 137} {
			command := exec.Command(guest, "adopt", "--", "/bin/sh", "-c", script)
			command.Run()
			if got := command.ProcessState.ExitCode(); got != code {
				t.Errorf("%s: %d", script, got)
			}
		}
		if err := exec.Command(guest, "adopt", "--", "/nowhere").Run(); err == nil {
			t.Error("a program that is not there")
		}
	})
	t.Run("waits for what its program leaves behind", func(t *testing.T) {
		// The middle shell goes at once; its child, a session of its own, ends a moment later.
		command := exec.Command(guest, "adopt", "--", "/bin/sh", "-c", "sh -c 'setsid sleep 0.5 &'; exec sleep 60")
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		defer command.Process.Kill()
		eventually(t, "the orphan did not come here", func() bool { return len(childrenOf(command.Process.Pid)) == 2 })
		eventually(t, "the orphan was not waited for", func() bool { return len(childrenOf(command.Process.Pid)) == 1 })
	})
	t.Run("leaves nothing of the tree when its program ends, or is told to", func(t *testing.T) {
		for _, end := range []string{"exit 3", "wait"} {
			command := exec.Command(guest, "adopt", "--", "/bin/sh", "-c", "setsid sh -c 'sleep 60 & sleep 60' & echo $!; sleep 0.1; "+end)
			out, _ := command.StdoutPipe()
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			line := make([]byte, 20)
			n, _ := out.Read(line)
			orphan, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
			if err != nil {
				t.Fatal(err)
			}
			if end == "wait" {
				eventually(t, "no tree", func() bool { return len(childrenOf(orphan)) == 2 })
				command.Process.Signal(syscall.SIGTERM)
			}
			command.Wait()
			if isThere(orphan) {
				t.Errorf("%s: it is still there", end)
			}
		}
	})
	t.Run("takes its program with it, whatever ends it", func(t *testing.T) {
		command := exec.Command(guest, "adopt", "--", "/bin/sleep", "60")
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		var program []int
		eventually(t, "no program", func() bool {
			program = childrenOf(command.Process.Pid)
			return len(program) == 1
		})
		command.Process.Kill()
		command.Wait()
		eventually(t, "the program goes on", func() bool { return !isThere(program[0]) })
	})
	t.Run("hands one descriptor on and keeps none of it, and is the first to go where memory runs out", func(t *testing.T) {
		ours, theirs, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		command := exec.Command(guest, "adopt", "--keep", "3", "--", "/bin/sh", "-c", "cat /proc/self/oom_score_adj >&3; exec 3>&-; sleep 60")
		command.ExtraFiles = []*os.File{theirs}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		defer command.Process.Kill()
		theirs.Close()
		ours.SetReadDeadline(time.Now().Add(10 * time.Second))
		said, err := io.ReadAll(ours)
		if err != nil || strings.TrimSpace(string(said)) != adoptedOomScore {
			t.Errorf("%q %v", said, err)
		}
	})
}
