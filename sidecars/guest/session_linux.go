// One run of the agent program: started on a terminal that init holds, or on pipes; its output kept and copied to the log; its exit code kept.
package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// drainTime is how long output of programs left behind is still taken after the program itself has ended.
const drainTime = time.Second

type startRequest struct {
	Argv []string `json:"argv"`
	Env  []string `json:"env"`
	Cwd  string   `json:"cwd"`
	Tty  bool     `json:"tty"`
	Rows uint16   `json:"rows"`
	Cols uint16   `json:"cols"`
	// Started again each time it ends.
	Restart bool `json:"restart"`
	// Started when Argv fails within insteadTime: there was nothing to go on with.
	Instead []string `json:"instead"`
	// Nobody types: without a terminal its stdin has ended from the beginning.
	NoInput bool `json:"no_input"`
}

type session struct {
	pid       int
	tty       bool
	output    *ring
	startedAt time.Time
	over      chan struct{} // closed when the program has ended and its output is complete

	// Valid once over is closed.
	exitCode int
	signal   string
	exitedAt time.Time

	terminal *os.File // nil without tty
	input    *stdinQueue
	pumps    sync.WaitGroup
}

type refusal struct{ code, message string }

func startSession(request startRequest, family *children, log io.Writer) (*session, *refusal) {
	if len(request.Argv) == 0 || request.Argv[0] == "" {
		return nil, &refusal{"bad-request", "argv is empty"}
	}
	if request.Cwd == "" {
		request.Cwd = "/"
	}
	if place, err := os.Stat(request.Cwd); err != nil || !place.IsDir() {
		return nil, &refusal{"not-found", "no such folder: " + request.Cwd}
	}
	program, missing := findProgram(request.Argv[0], request.Env, request.Cwd)
	if missing != nil {
		return nil, missing
	}
	s := &session{tty: request.Tty, output: newRing(ringBytes, ringPatience), over: make(chan struct{})}
	attributes := &syscall.ProcAttr{Dir: request.Cwd, Env: request.Env, Sys: &syscall.SysProcAttr{Setsid: true}}
	if attributes.Env == nil {
		attributes.Env = []string{}
	}
	opened, err := s.connect(request, attributes)
	if err != nil {
		return nil, &refusal{"failed", "no terminal or pipe for the program: " + err.Error()}
	}
	pid, ended, err := family.start(program, request.Argv, attributes)
	for _, fd := range attributes.Files {
		syscall.Close(int(fd))
		if request.Tty {
			break
		}
	}
	if err != nil {
		for _, file := range opened {
			file.Close()
		}
		code := "failed"
		if errors.Is(err, syscall.ENOENT) {
			code = "not-found"
		} else if errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOEXEC) {
			code = "not-executable"
		}
		return nil, &refusal{code, program + ": " + err.Error()}
	}
	s.pid, s.startedAt = pid, time.Now()
	inputFile := opened[0]
	s.input = newStdinQueue(inputFile, !request.Tty)
	if request.NoInput && !request.Tty {
		s.input.send(nil, s.over)
	}
	for i, file := range opened {
		if s.tty || i > 0 {
			stream := byte(streamStdout)
			if i == 2 {
				stream = streamStderr
			}
			s.pumps.Add(1)
			go s.pump(file, stream, log)
		}
	}
	go s.finish(ended, opened)
	return s, nil
}

// connect gives the child its three descriptors and returns our ends: the terminal, or stdin, stdout, stderr.
func (s *session) connect(request startRequest, attributes *syscall.ProcAttr) ([]*os.File, error) {
	if request.Tty {
		terminal, slave, err := openTerminal(request.Rows, request.Cols)
		if err != nil {
			return nil, err
		}
		s.terminal = terminal
		attributes.Files = []uintptr{uintptr(slave), uintptr(slave), uintptr(slave)}
		attributes.Sys.Setctty, attributes.Sys.Ctty = true, 0
		return []*os.File{terminal}, nil
	}
	var ours []*os.File
	for i := 0; i < 3; i++ {
		var pair [2]int
		if err := syscall.Pipe2(pair[:], syscall.O_CLOEXEC); err != nil {
			for j, file := range ours {
				file.Close()
				syscall.Close(int(attributes.Files[j]))
			}
			return nil, err
		}
		mine, theirs := pair[0], pair[1]
		if i == 0 {
			mine, theirs = pair[1], pair[0]
		}
		syscall.SetNonblock(mine, true)
		ours = append(ours, os.NewFile(uintptr(mine), "pipe"))
		attributes.Files = append(attributes.Files, uintptr(theirs))
	}
	return ours, nil
}

func (s *session) pump(from *os.File, stream byte, log io.Writer) {
	defer s.pumps.Done()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			log.Write(buffer[:n])
			s.output.write(stream, buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

func (s *session) finish(ended <-chan syscall.WaitStatus, opened []*os.File) {
	status := <-ended
	drained := make(chan struct{})
	go func() {
		s.pumps.Wait()
		close(drained)
	}()
	select {
	case <-drained:
	case <-time.After(drainTime):
	}
	s.input.close()
	for _, file := range opened {
		file.Close()
	}
	<-drained
	s.exitedAt = time.Now()
	s.exitCode = status.ExitStatus()
	if status.Signaled() {
		s.exitCode = 128 + int(status.Signal())
		s.signal = signalName(status.Signal())
	}
	s.output.close()
	close(s.over)
}

func (s *session) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

func (s *session) resize(rows, cols uint16) {
	if s.terminal == nil || rows == 0 || cols == 0 {
		return
	}
	if raw, err := s.terminal.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { setWindowSize(int(fd), rows, cols) })
	}
}

// send goes to the foreground group of the terminal, else to the program's own group.
func (s *session) send(sig syscall.Signal) {
	if s.isOver() {
		return
	}
	group := s.pid
	if s.terminal != nil {
		if raw, err := s.terminal.SyscallConn(); err == nil {
			raw.Control(func(fd uintptr) {
				if foreground := foregroundGroup(int(fd)); foreground > 1 {
					group = foreground
				}
			})
		}
	}
	syscall.Kill(-group, sig)
}

// stop returns when the program has ended: sig to every process of its session, KILL to what is left of it after the grace.
func (s *session) stop(sig syscall.Signal, grace time.Duration) {
	if s.isOver() {
		return
	}
	s.sendAll(sig)
	select {
	case <-s.over:
	case <-time.After(grace):
	}
	for i := 0; i < 20 && s.sendAll(syscall.SIGKILL) > 0; i++ {
		time.Sleep(5 * time.Millisecond)
	}
	<-s.over
}

func (s *session) sendAll(sig syscall.Signal) (reached int) {
	if !s.isOver() {
		syscall.Kill(-s.pid, sig)
	}
	for _, pid := range sessionMembers(s.pid) {
		if syscall.Kill(pid, sig) == nil {
			reached++
		}
	}
	return reached
}

// sessionMembers reads the sixth field of /proc/PID/stat; the second may hold anything, so counting starts after its last parenthesis. Zombies do not count.
func sessionMembers(sid int) (pids []int) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) > 3 && fields[0][0] != 'Z' && string(fields[3]) == strconv.Itoa(sid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func findProgram(name string, env []string, cwd string) (string, *refusal) {
	candidates := []string{name}
	if !strings.Contains(name, "/") {
		candidates = nil
		for _, variable := range env {
			if strings.HasPrefix(variable, "PATH=") {
				candidates = nil
				for _, folder := range strings.Split(variable[5:], ":") {
					if strings.HasPrefix(folder, "/") {
						candidates = append(candidates, filepath.Join(folder, name))
					}
				}
			}
		}
	}
	seen := ""
	for _, candidate := range candidates {
		place := candidate
		if !strings.HasPrefix(place, "/") {
			place = filepath.Join(cwd, place)
		}
		file, err := os.Stat(place)
		if err != nil {
			continue
		}
		seen = place
		if file.Mode().IsRegular() && syscall.Access(place, 1) == nil {
			return place, nil
		}
	}
	if seen != "" {
		return "", &refusal{"not-executable", "not an executable file: " + seen}
	}
	return "", &refusal{"not-found", "no such program: " + name}
}

var signalNames = map[string]syscall.Signal{
	"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "ABRT": syscall.SIGABRT, "KILL": syscall.SIGKILL, "USR1": syscall.SIGUSR1,
	"USR2": syscall.SIGUSR2, "PIPE": syscall.SIGPIPE, "ALRM": syscall.SIGALRM, "TERM": syscall.SIGTERM, "CONT": syscall.SIGCONT, "STOP": syscall.SIGSTOP,
	"TSTP": syscall.SIGTSTP, "WINCH": syscall.SIGWINCH, "SEGV": syscall.SIGSEGV, "BUS": syscall.SIGBUS, "FPE": syscall.SIGFPE, "ILL": syscall.SIGILL, "SYS": syscall.SIGSYS,
}

func parseSignal(name string) (syscall.Signal, bool) {
	sig, known := signalNames[strings.TrimPrefix(name, "SIG")]
	return sig, known
}

func signalName(sig syscall.Signal) string {
	for name, value := range signalNames {
		if value == sig {
			return name
		}
	}
	return strconv.Itoa(int(sig))
}
