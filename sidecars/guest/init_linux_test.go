package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// begin runs init's parts in this process, as a subreaper instead of process 1. One reaper serves all tests.
var testFamily *children

func begin(t *testing.T) (p *initProcess, run string) {
	t.Helper()
	if testFamily == nil {
		const setChildSubreaper = 36
		syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0)
		testFamily = newChildren()
		go testFamily.reap()
	}
	run, _ = os.MkdirTemp("", "bb")
	t.Cleanup(func() { os.RemoveAll(run) })
	listener, err := listenUnix(run + "/init.sock")
	if err != nil {
		t.Fatal(err)
	}
	p = newInitProcess(io.Discard)
	p.family = testFamily
	go p.serve(listener)
	t.Cleanup(p.shutdown)
	return p, run
}

func dial(t *testing.T, run string) (*socket, *bufio.Reader) {
	t.Helper()
	connection, err := dialUnix(run+"/init.sock", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	connection.SetDeadline(time.Now().Add(10 * time.Second))
	return connection, bufio.NewReaderSize(connection, requestBytes)
}

func ask(t *testing.T, run, line string) (told answer) {
	t.Helper()
	connection, from := dial(t, run)
	defer connection.Close()
	connection.Write([]byte(line + "\n"))
	text, err := from.ReadBytes('\n')
	if err != nil || json.Unmarshal(text, &told) != nil {
		t.Fatalf("%s: %q %v", line, text, err)
	}
	return told
}

func startLine(tty bool, script string) string {
	text, _ := json.Marshal(map[string]any{"op": "start", "argv": []string{"/bin/sh", "-c", script}, "env": []string{"PATH=/usr/bin:/bin", "A=b"}, "tty": tty, "rows": 33, "cols": 99})
	return string(text)
}

func watchToEnd(t *testing.T, run, attach string, typed ...string) (stdout, stderr string, code int) {
	t.Helper()
	connection, from := dial(t, run)
	connection.Write([]byte(attach + "\n"))
	if _, err := from.ReadBytes('\n'); err != nil {
		t.Fatal(err)
	}
	for _, piece := range typed {
		writeFrame(connection, frameStdin, []byte(piece))
	}
	for {
		kind, payload, err := readFrame(from)
		if err != nil {
			t.Fatalf("no exit frame: %v (stdout %q)", err, stdout)
		}
		switch kind {
		case frameStdout:
			stdout += string(payload)
		case frameStderr:
			stderr += string(payload)
		case frameExit:
			var exited exitPayload
			json.Unmarshal(payload, &exited)
			return stdout, stderr, exited.Code
		}
	}
}

func TestNothingStartsBeforeProvisioningHasFinished(t *testing.T) {
	_, run := begin(t)
	if told := ask(t, run, `{"op":"status"}`); !told.Ok || told.State != "idle" || *told.Ready {
		t.Fatal(told)
	}
	if told := ask(t, run, startLine(false, "true")); told.Ok || told.Code != "not-ready" {
		t.Fatal(told)
	}
	if told := ask(t, run, `{"op":"attach"}`); told.Ok || told.Code != "not-running" {
		t.Fatal(told)
	}
}

func TestAProgramOnPipesHasItsStreamsItsEnvironmentAndItsCode(t *testing.T) {
	_, run := begin(t)
	ask(t, run, `{"op":"ready"}`)
	if told := ask(t, run, startLine(false, "read x; echo got $x $A; echo bad >&2; cat; exit 3")); told.State != "running" {
		t.Fatal(told)
	}
	if told := ask(t, run, startLine(false, "true")); told.Code != "running" {
		t.Fatal(told)
	}
	stdout, stderr, code := watchToEnd(t, run, `{"op":"attach","replay":true}`, "line\n", "rest", "")
	if stdout != "got line b\nrest" || stderr != "bad\n" || code != 3 {
		t.Fatalf("%q %q %d", stdout, stderr, code)
	}
	if told := ask(t, run, `{"op":"status"}`); told.State != "exited" || *told.ExitCode != 3 {
		t.Fatal(told)
	}
	if stdout, _, code := watchToEnd(t, run, `{"op":"attach","replay":true}`); stdout != "got line b\nrest" || code != 3 {
		t.Fatalf("replay after the end: %q %d", stdout, code)
	}
}

func TestAProgramOnATerminalLeadsItsSessionAndSeesResizes(t *testing.T) {
	_, run := begin(t)
	ask(t, run, `{"op":"ready"}`)
	ask(t, run, startLine(true, `tty >/dev/null && stty size; read x; stty size; echo "[$x]"; kill -9 $$`))
	time.Sleep(100 * time.Millisecond)
	stdout, _, code := watchToEnd(t, run, `{"op":"attach","replay":true,"rows":11,"cols":22}`, "typed\r")
	if !strings.Contains(stdout, "33 99\r\n") || !strings.Contains(stdout, "11 22\r\n") || !strings.Contains(stdout, "[typed]") || code != 128+9 {
		t.Fatalf("%q %d", stdout, code)
	}
	if told := ask(t, run, `{"op":"status"}`); told.Signal != "KILL" {
		t.Fatal(told)
	}
}

func TestStopEndsTheWholeSessionAndOrphansAreReaped(t *testing.T) {
	p, run := begin(t)
	ask(t, run, `{"op":"ready"}`)
	ask(t, run, startLine(true, `trap "" TERM HUP; (trap "" TERM HUP; sleep 100 & sleep 100) & (true &) ; while :; do sleep 1; done`))
	time.Sleep(100 * time.Millisecond)
	begun := time.Now()
	told := ask(t, run, `{"op":"stop","grace_ms":200}`)
	if told.State != "exited" || *told.ExitCode != 137 || time.Since(begun) > 3*time.Second {
		t.Fatal(told, time.Since(begun))
	}
	if left := sessionMembers(p.session().pid); len(left) > 0 {
		t.Fatal(left)
	}
}

func TestMissingAndUnexecutableProgramsAreToldApart(t *testing.T) {
	_, run := begin(t)
	ask(t, run, `{"op":"ready"}`)
	for line, code := range map[string]string{
		`{"op":"start","argv":["nope"],"env":["PATH=/bin"]}`: "not-found",
		`{"op":"start","argv":["/etc/passwd"]}`:              "not-executable",
		`{"op":"start","argv":["/bin/sh"],"cwd":"/nowhere"}`: "not-found",
		`{"op":"start"}`:                  "bad-request",
		`{"op":"stop","signal":"NOPE"}`:   "bad-request",
		`{"op":"signal","signal":"TERM"}`: "not-running",
		`{"op":"fly"}`:                    "bad-request",
		`[1]`:                             "bad-request",
		`{"op":"start","argv":["/bin/true"],"env":["A\u0000=b"]}`: "failed",
	} {
		if told := ask(t, run, line); told.Code != code {
			t.Errorf("%s: %+v", line, told)
		}
	}
}

func TestHostileClientsDoNotKeepOthersOut(t *testing.T) {
	_, run := begin(t)
	ask(t, run, `{"op":"ready"}`)
	ask(t, run, startLine(false, "cat"))
	for i := 0; i < 5; i++ {
		connection, from := dial(t, run)
		go connection.Write(bytes.Repeat([]byte("x"), 1<<20))
		if text, _ := from.ReadBytes('\n'); !bytes.Contains(text, []byte("bad-request")) {
			t.Fatalf("%q", text)
		}
		connection.Close()
		garbage, _ := dial(t, run)
		garbage.Write([]byte("{\"op\":\"attach\"}\n\xff\xff\xff\xff\xff\xff\x00"))
		silent, _ := dial(t, run)
		defer silent.Close()
	}
	if told := ask(t, run, `{"op":"status"}`); !told.Ok || told.State != "running" {
		t.Fatal(told)
	}
	flood, _ := dial(t, run)
	flood.Write([]byte("{\"op\":\"attach\"}\n"))
	go func() {
		for writeFrame(flood, frameStdin, make([]byte, 60000)) == nil {
		}
	}()
	time.Sleep(50 * time.Millisecond)
	if told := ask(t, run, `{"op":"stop","grace_ms":100}`); told.State != "exited" {
		t.Fatal(told)
	}
}

func TestTheSeventeenthAttachmentSendsTheOldestAway(t *testing.T) {
	_, run := begin(t)
	ask(t, run, `{"op":"ready"}`)
	ask(t, run, startLine(false, "cat"))
	var first *bufio.Reader
	for i := 0; i <= attachPlaces; i++ {
		connection, from := dial(t, run)
		connection.Write([]byte("{\"op\":\"attach\"}\n"))
		if text, err := from.ReadBytes('\n'); !bytes.Contains(text, []byte(`"ok":true`)) {
			t.Fatalf("%q %v", text, err)
		}
		if i == 0 {
			first = from
		}
	}
	if kind, _, err := readFrame(first); kind != frameDetach || err != nil {
		t.Fatal(kind, err)
	}
	if told := ask(t, run, `{"op":"status"}`); *told.Attached != attachPlaces {
		t.Fatal(*told.Attached)
	}
}

func TestAProgramThatIsToRestartBeginsAgainUntilItIsStopped(t *testing.T) {
	p, run := begin(t)
	p.restartFirst = time.Millisecond
	ask(t, run, `{"op":"ready"}`)
	counted := run + "/runs"
	line := strings.Replace(startLine(false, "echo run >> "+counted+"; exit 3"), `{`, `{"restart":true,`, 1)
	if told := ask(t, run, line); !told.Ok {
		t.Fatal(told)
	}
	eventually(t, "it comes to that", func() bool { return ask(t, run, `{"op":"status"}`).Restarts >= 3 })
	if told := ask(t, run, `{"op":"stop"}`); told.State != "exited" {
		t.Fatal(told)
	}
	text, _ := os.ReadFile(counted)
	before := strings.Count(string(text), "run")
	time.Sleep(100 * time.Millisecond)
	if text, _ = os.ReadFile(counted); strings.Count(string(text), "run") != before || before < 3 {
		t.Fatalf("%d runs, later %q", before, text)
	}
	ask(t, run, `{"op":"restart","restart":true}`)
	eventually(t, "it comes to that", func() bool { text, _ := os.ReadFile(counted); return strings.Count(string(text), "run") > before })
	ask(t, run, `{"op":"restart","restart":false}`)
}

func TestWhatFailsAtOnceIsFollowedByWhatWasNamedInstead(t *testing.T) {
	_, run := begin(t)
	ask(t, run, `{"op":"ready"}`)
	for script, code := range map[string]int{"exit 1": 9, "exit 0": 0} {
		ask(t, run, strings.Replace(startLine(false, script), `{`, `{"instead":["/bin/sh","-c","exit 9"],`, 1))
		eventually(t, "the right one was the last", func() bool {
			told := ask(t, run, `{"op":"status"}`)
			return told.State == "exited" && *told.ExitCode == code
		})
	}
}

func TestTheInputOfAProgramThatNobodyTypesToHasEnded(t *testing.T) {
	_, run := begin(t)
	ask(t, run, `{"op":"ready"}`)
	if told := ask(t, run, strings.Replace(startLine(false, "cat; exit 4"), `{`, `{"no_input":true,`, 1)); !told.Ok {
		t.Fatal(told)
	}
	eventually(t, "it has ended by itself", func() bool { return ask(t, run, `{"op":"status"}`).State == "exited" })
}

func TestAnotherProgramEndsTheRestartsOfTheOneBefore(t *testing.T) {
	p, run := begin(t)
	p.restartFirst = time.Millisecond
	ask(t, run, `{"op":"ready"}`)
	ask(t, run, strings.Replace(startLine(false, "sleep 60"), `{`, `{"restart":true,`, 1))
	ask(t, run, `{"op":"stop"}`)
	if told := ask(t, run, startLine(false, "exit 7")); !told.Ok || told.Restarts != 0 {
		t.Fatal(told)
	}
	eventually(t, "it comes to that", func() bool { return ask(t, run, `{"op":"status"}`).State == "exited" })
	time.Sleep(50 * time.Millisecond)
	if told := ask(t, run, `{"op":"status"}`); told.Restarts != 0 || *told.ExitCode != 7 {
		t.Fatal(told)
	}
}

func TestAProgramThatWasStoppedToBeginAgainIsDueUntilSomethingIsStarted(t *testing.T) {
	p, run := begin(t)
	p.restartFirst = time.Minute
	ask(t, run, `{"op":"ready"}`)
	if ask(t, run, `{"op":"stop","again":true}`).Due {
		t.Fatal("due, and nothing was ever started")
	}
	ask(t, run, startLine(false, "sleep 60"))
	if told := ask(t, run, `{"op":"stop","again":true}`); !told.Due || told.State != "exited" {
		t.Fatal(told)
	}
	if !ask(t, run, `{"op":"stop","again":true}`).Due {
		t.Fatal("not due after the second attempt")
	}
	if ask(t, run, startLine(false, "exit 0")).Due {
		t.Fatal("due, and something was started")
	}
	eventually(t, "it has ended", func() bool { return ask(t, run, `{"op":"status"}`).State == "exited" })
	if told := ask(t, run, `{"op":"stop","again":true}`); told.Due || told.Pausing {
		t.Fatal("due, and it had ended by itself")
	}
	ask(t, run, strings.Replace(startLine(false, "exit 3"), `{`, `{"restart":true,`, 1))
	eventually(t, "it waits to be started again", func() bool { return ask(t, run, `{"op":"status"}`).Pausing })
	if told := ask(t, run, `{"op":"stop","again":true}`); !told.Due || told.Pausing {
		t.Fatal(told)
	}
	if ask(t, run, `{"op":"stop"}`).Due {
		t.Fatal("due, and whoever stopped it last means it")
	}
}
