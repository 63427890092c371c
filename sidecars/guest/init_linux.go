// init [--run DIR]: entry point of the agent container, as the agent's user, without capabilities, in any image. Starts nothing by itself.
// Prints its own /proc/self/status, listens on DIR/init.sock (0600), starts the agent program when told, keeps its output and exit code, reaps every orphan.
// SIGTERM: TERM to all, up to 3 s, KILL, exit 0. Everything a client sends is hostile: bounded lines, connections and times. Protocol: README.md.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	requestBytes     = 64 << 10
	requestPatience  = 5 * time.Second
	requestPlaces    = 16
	attachPlaces     = 16
	stopGraceDefault = 5 * time.Second
	stopGraceMost    = time.Minute
	shutdownGrace    = 3 * time.Second
	restartFirst     = time.Second
	restartMost      = time.Minute
	insteadTime      = 10 * time.Second
	prSetDumpable    = 4
)

type initProcess struct {
	family *children
	log    io.Writer

	mu       sync.Mutex
	ready    bool
	current  *session
	asked    startRequest // what current was started with
	restarts int          // since asked
	due      bool         // current was stopped so that something begins after it, and nothing has
	attached []*socket    // oldest first

	requests chan struct{}

	restartFirst time.Duration
}

type request struct {
	Op string `json:"op"`
	startRequest
	Replay  bool   `json:"replay"`
	Signal  string `json:"signal"`
	GraceMs *int64 `json:"grace_ms"`
	Again   bool   `json:"again"`
}

type answer struct {
	Ok        bool   `json:"ok"`
	Code      string `json:"code,omitempty"`
	Message   string `json:"message,omitempty"`
	State     string `json:"state,omitempty"`
	Ready     *bool  `json:"ready,omitempty"`
	Pid       int    `json:"pid,omitempty"`
	ExitCode  *int   `json:"exit_code,omitempty"`
	Signal    string `json:"signal,omitempty"`
	StartedAt string `json:"started_at,omitempty"`
	ExitedAt  string `json:"exited_at,omitempty"`
	Tty       *bool  `json:"tty,omitempty"`
	Attached  *int   `json:"attached,omitempty"`
	Restarts  int    `json:"restarts,omitempty"`
	Pausing   bool   `json:"pausing,omitempty"`
	Due       bool   `json:"due,omitempty"`
	Version   string `json:"version,omitempty"`
}

func initialise(args []string) error {
	flags := newArguments()
	run := flags.String("run", "/run/bb", "folder of the socket")
	if _, err := flags.words(args, 0, 0); err != nil {
		return err
	}
	// An image's ENV reaches no process of ours, and /proc/1/environ is empty.
	if len(os.Environ()) > 0 {
		if err := syscall.Exec("/proc/self/exe", os.Args, nil); err != nil {
			return broken("cannot start anew without environment: %v", err)
		}
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0); errno != 0 {
		return broken("PR_SET_DUMPABLE 0: %v", errno)
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	discardOtherSignals()
	printOwnStatus(os.Stdout)

	path := filepath.Join(*run, "init.sock")
	if err := syscall.Unlink(path); err != nil && err != syscall.ENOENT {
		return broken("cannot remove the old socket %s: %v", path, err)
	}
	listener, err := listenUnix(path)
	if err != nil {
		return broken("cannot listen on %s: %v", path, err)
	}
	p := newInitProcess(os.Stdout)
	go p.family.reap()
	go p.serve(listener)
	<-terminated
	p.shutdown()
	return nil
}

// discardOtherSignals catches instead of ignoring: an ignored signal would stay ignored in the agent program.
func discardOtherSignals() {
	discarded := make(chan os.Signal, 1)
	for number := syscall.Signal(1); number < 32; number++ {
		switch number {
		case syscall.SIGTERM, syscall.SIGCHLD, syscall.SIGKILL, syscall.SIGSTOP:
		default:
			signal.Notify(discarded, number)
		}
	}
}

func printOwnStatus(to io.Writer) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		text = []byte(fmt.Sprintf("unreadable: %v\n", err))
	}
	fmt.Fprintf(to, "bb-guest status begin\n%sbb-guest status end\n", text)
}

func newInitProcess(log io.Writer) *initProcess {
	return &initProcess{family: newChildren(), log: log, requests: make(chan struct{}, requestPlaces), restartFirst: restartFirst}
}

func (p *initProcess) shutdown() {
	p.keepGoing(false)
	deadline := time.Now().Add(shutdownGrace)
	if os.Getpid() != 1 {
		if s := p.session(); s != nil {
			s.stop(syscall.SIGTERM, shutdownGrace)
		}
		return
	}
	syscall.Kill(-1, syscall.SIGTERM)
	for time.Now().Before(deadline) {
		// kill(-1) leaves out the caller: ESRCH means that nobody else is left.
		if syscall.Kill(-1, 0) == syscall.ESRCH {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	syscall.Kill(-1, syscall.SIGKILL)
}

func (p *initProcess) session() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

func (p *initProcess) serve(listener *socket) {
	for {
		connection, err := listener.accept()
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		select {
		case p.requests <- struct{}{}:
			go p.converse(connection)
		default:
			connection.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			send(connection, failed("busy", "too many connections"))
			connection.Close()
		}
	}
}

func (p *initProcess) converse(connection *socket) {
	defer connection.Close()
	holdsPlace := true
	leave := func() {
		if holdsPlace {
			holdsPlace = false
			<-p.requests
		}
	}
	defer leave()
	reader := bufio.NewReaderSize(connection, requestBytes)
	for {
		connection.SetReadDeadline(time.Now().Add(requestPatience))
		line, err := reader.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			send(connection, failed("bad-request", "line longer than 64 KiB"))
			return
		}
		if err != nil {
			return
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			send(connection, failed("bad-request", "not a JSON request"))
			return
		}
		if asked.Op != "attach" {
			if send(connection, p.perform(asked)) != nil {
				return
			}
			continue
		}
		leave()
		p.attach(connection, reader, asked)
		return
	}
}

func send(connection *socket, what answer) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	connection.SetWriteDeadline(time.Now().Add(requestPatience))
	defer connection.SetWriteDeadline(time.Time{})
	_, err = connection.Write(append(text, '\n'))
	return err
}

func failed(code, message string) answer { return answer{Code: code, Message: message} }

func (p *initProcess) perform(asked request) answer {
	switch asked.Op {
	case "status":
	case "ready":
		p.mu.Lock()
		p.ready = true
		p.mu.Unlock()
	case "start":
		if why := p.start(asked.startRequest); why != nil {
			return failed(why.code, why.message)
		}
	case "restart":
		p.keepGoing(asked.Restart)
	case "signal", "resize", "stop":
		return p.control(asked)
	default:
		return failed("bad-request", "no such op: "+asked.Op)
	}
	return p.status()
}

func (p *initProcess) start(asked startRequest) *refusal {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ready {
		return &refusal{"not-ready", "provisioning has not finished"}
	}
	if p.current != nil && !p.current.isOver() {
		return &refusal{"running", fmt.Sprintf("a program runs already, pid %d", p.current.pid)}
	}
	begun, why := startSession(asked, p.family, p.log)
	if why == nil {
		p.current, p.asked, p.restarts, p.due = begun, asked, 0, false
		go p.again(begun)
	}
	return why
}

// keepGoing says whether what was started last is started again when it ends; one that has ended already begins again. Where it is not, nothing is started in its place either.
func (p *initProcess) keepGoing(restart bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	begins := restart && !p.asked.Restart && p.current != nil && p.current.isOver()
	p.asked.Restart = restart
	if !restart {
		p.asked.Instead = nil
	}
	if begins {
		go p.again(p.current)
	}
}

// again waits for the end of s and starts the same anew: after a second, after twice as long each time, after a minute at most; a run of a minute counts as a good one.
func (p *initProcess) again(s *session) {
	wait := p.restartFirst
	for {
		<-s.over
		if begun := p.instead(s); begun != nil {
			s = begun
			continue
		}
		if s.exitedAt.Sub(s.startedAt) >= restartMost {
			wait = p.restartFirst
		}
		if !p.isKept(s) {
			return
		}
		time.Sleep(wait)
		if wait *= 2; wait > restartMost {
			wait = restartMost
		}
		p.mu.Lock()
		if p.current != s || !p.asked.Restart {
			p.mu.Unlock()
			return
		}
		begun, why := startSession(p.asked, p.family, p.log)
		if why == nil {
			p.current, s = begun, begun
			p.restarts++
		}
		p.mu.Unlock()
	}
}

// instead starts what was named for the case that s fails at once, and returns it; nil: nothing was, or it did not.
func (p *initProcess) instead(s *session) *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != s || len(p.asked.Instead) == 0 || s.exitCode == 0 || s.exitedAt.Sub(s.startedAt) > insteadTime {
		return nil
	}
	p.asked.Argv, p.asked.Instead = p.asked.Instead, nil
	begun, why := startSession(p.asked, p.family, p.log)
	if why != nil {
		return nil
	}
	p.current = begun
	return begun
}

func (p *initProcess) isKept(s *session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current == s && p.asked.Restart
}

// lastOf is the session after which nothing begins by itself; again: something is to begin after it all the same.
func (p *initProcess) lastOf(again bool) *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	works := p.current != nil && (!p.current.isOver() || p.asked.Restart)
	p.due = again && (works || p.due)
	p.asked.Restart, p.asked.Instead = false, nil
	return p.current
}

func (p *initProcess) control(asked request) answer {
	s := p.session()
	running := s != nil && !s.isOver()
	switch {
	case asked.Op == "stop":
		if asked.Signal == "" {
			asked.Signal = "TERM"
		}
		sig, known := parseSignal(asked.Signal)
		if !known {
			return failed("bad-request", "no such signal: "+asked.Signal)
		}
		grace := stopGraceDefault
		if asked.GraceMs != nil {
			grace = time.Duration(*asked.GraceMs) * time.Millisecond
		}
		if grace < 0 || grace > stopGraceMost {
			return failed("bad-request", "grace_ms is 0 to 60000")
		}
		if s = p.lastOf(asked.Again); s != nil && !s.isOver() {
			s.stop(sig, grace)
		}
	case !running:
		return failed("not-running", "no program runs")
	case asked.Op == "signal":
		sig, known := parseSignal(asked.Signal)
		if !known {
			return failed("bad-request", "no such signal: "+asked.Signal)
		}
		s.send(sig)
	case asked.Op == "resize":
		s.resize(asked.Rows, asked.Cols)
	}
	return p.status()
}

func (p *initProcess) status() answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	ready, attached := p.ready, len(p.attached)
	told := answer{Ok: true, State: "idle", Ready: &ready, Attached: &attached, Restarts: p.restarts, Version: version}
	if s := p.current; s != nil {
		tty := s.tty
		told.State, told.Pid, told.Tty, told.StartedAt = "running", s.pid, &tty, s.startedAt.UTC().Format(time.RFC3339Nano)
		if s.isOver() {
			code := s.exitCode
			told.Pausing, told.Due = p.asked.Restart, p.due
			told.State, told.ExitCode, told.Signal, told.ExitedAt = "exited", &code, s.signal, s.exitedAt.UTC().Format(time.RFC3339Nano)
		}
	}
	return told
}

func (p *initProcess) attach(connection *socket, from *bufio.Reader, asked request) {
	s := p.session()
	if s == nil {
		send(connection, failed("not-running", "no program was started"))
		return
	}
	p.joinAttached(connection)
	defer p.leaveAttached(connection)
	s.resize(asked.Rows, asked.Cols)
	output := s.output.reader(asked.Replay)
	defer output.close()
	if send(connection, p.status()) != nil {
		return
	}
	connection.SetReadDeadline(time.Time{})
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		defer output.close()
		s.takeFrames(from, connection)
	}()
	if !giveFrames(connection, output) {
		return
	}
	select {
	case <-gone:
		return
	case <-s.over:
	}
	connection.SetWriteDeadline(time.Now().Add(requestPatience))
	writeFrameJSON(connection, frameExit, exitPayload{s.exitCode})
	connection.closeWrite()
	select {
	case <-gone:
	case <-time.After(time.Second):
	}
}

// joinAttached sends the oldest attachment away when there are too many: an engine whose client vanished leaves its exec behind, attached to nobody.
func (p *initProcess) joinAttached(connection *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attached = append(p.attached, connection)
	if len(p.attached) > attachPlaces {
		oldest := p.attached[0]
		p.attached = p.attached[1:]
		go func() {
			oldest.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			writeFrame(oldest, frameDetach, nil)
			oldest.Close()
		}()
	}
}

func (p *initProcess) leaveAttached(connection *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, one := range p.attached {
		if one == connection {
			p.attached = append(p.attached[:i:i], p.attached[i+1:]...)
			return
		}
	}
}

// giveFrames returns true when the output is complete, false when the attachment is gone.
func giveFrames(connection *socket, output *ringReader) bool {
	for {
		stream, data, gap, more := output.next()
		if !more {
			return true
		}
		var err error
		if gap > 0 {
			err = writeFrameJSON(connection, frameGap, gapPayload{gap})
		} else {
			err = writeFrame(connection, stream, data)
		}
		if err != nil {
			return false
		}
	}
}

// takeFrames returns when the attachment ends, detaches or sends what is no frame of its side.
func (s *session) takeFrames(from io.Reader, connection *socket) {
	for {
		kind, payload, err := readFrame(from)
		if err != nil {
			return
		}
		switch kind {
		case frameStdin:
			s.input.send(payload, s.over)
		case frameResize:
			var size resizePayload
			if json.Unmarshal(payload, &size) == nil {
				s.resize(size.Rows, size.Cols)
			}
		case frameSignal:
			var wanted signalPayload
			if json.Unmarshal(payload, &wanted) == nil {
				if sig, known := parseSignal(wanted.Name); known {
					s.send(sig)
				}
			}
		default:
			return
		}
	}
}
