// attach [--run DIR] [--tty] [--replay] [--no-stdin] [--detach-keys KEYS]: this terminal or these pipes become those of the agent program.
// Ends with the program's exit code; 0 after the detach keys; 125 when nothing runs or init is not reachable. The terminal is always put back.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type attachment struct {
	connection *socket
	mu         sync.Mutex
	leaving    atomic.Bool // the detach keys were typed: init closes the connection as soon as it knows
}

func attach(args []string) error {
	flags := newArguments()
	run := flags.String("run", "/run/bb", "folder of the socket")
	tty := flags.Bool("tty", false, "raw mode and window size")
	replay := flags.Bool("replay", false, "first what was printed before")
	noStdin := flags.Bool("no-stdin", false, "watch only")
	keys := flags.String("detach-keys", "ctrl-p,ctrl-q", "what detaches")
	if _, err := flags.words(args, 0, 0); err != nil {
		return err
	}
	sequence, err := parseDetachKeys(*keys)
	if err != nil {
		return usage("%v", err)
	}
	onTerminal := *tty && isTerminal(0)
	path := filepath.Join(*run, "init.sock")
	connection, err := dialUnix(path, 2*time.Second)
	if err != nil {
		return &failure{exitAttach, fmt.Sprintf("cannot connect to %s: %v", path, err)}
	}
	asked := map[string]any{"op": "attach", "replay": *replay}
	if onTerminal {
		asked["rows"], asked["cols"] = getWindowSize(0)
	}
	line, _ := json.Marshal(asked)
	if _, err := connection.Write(append(line, '\n')); err != nil {
		return &failure{exitAttach, fmt.Sprintf("init does not read: %v", err)}
	}
	from := bufio.NewReaderSize(connection, requestBytes)
	told, err := from.ReadBytes('\n')
	var result answer
	if err != nil || json.Unmarshal(told, &result) != nil {
		return &failure{exitAttach, fmt.Sprintf("init gave no answer: %v", err)}
	}
	if !result.Ok {
		return &failure{exitAttach, result.Message}
	}

	restore := func() {}
	if onTerminal {
		if restore, err = makeRaw(0); err != nil {
			return &failure{exitAttach, fmt.Sprintf("terminal: %v", err)}
		}
	} else {
		sequence = nil
	}
	a := &attachment{connection: connection}
	ended := make(chan error, 3)
	go func() { ended <- a.receive(from) }()
	go a.passSignals(onTerminal, ended)
	if !*noStdin {
		go a.sendStdin(sequence, ended)
	}
	err = <-ended
	restore()
	if detached, ok := err.(*failure); ok && detached.code == exitDone && detached.text != "" {
		fmt.Fprintln(os.Stderr, "\r"+detached.text)
		return &failure{exitDone, ""}
	}
	return err
}

func (a *attachment) send(kind byte, payload []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	writeFrame(a.connection, kind, payload)
}

func (a *attachment) receive(from *bufio.Reader) error {
	for {
		kind, payload, err := readFrame(from)
		if err != nil && a.leaving.Load() {
			return &failure{exitDone, "detached"}
		}
		if err != nil {
			return &failure{exitAttach, "init is gone: " + err.Error()}
		}
		switch kind {
		case frameStdout:
			_, err = os.Stdout.Write(payload)
		case frameStderr:
			_, err = os.Stderr.Write(payload)
		case frameGap:
			var gap gapPayload
			json.Unmarshal(payload, &gap)
			fmt.Fprintf(os.Stderr, "\r\nbb-guest attach: %d bytes of output were missed here\r\n", gap.Bytes)
		case frameExit:
			var exited exitPayload
			if err := json.Unmarshal(payload, &exited); err != nil {
				return &failure{exitAttach, "init sent no exit code"}
			}
			return &failure{exited.Code & 0xff, ""}
		case frameDetach:
			return &failure{exitDone, "detached"}
		}
		if err != nil {
			return &failure{exitAttach, "output: " + err.Error()}
		}
	}
}

func (a *attachment) passSignals(onTerminal bool, ended chan<- error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGWINCH, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	for received := range signals {
		switch received {
		case syscall.SIGWINCH:
			if onTerminal {
				rows, cols := getWindowSize(0)
				payload, _ := json.Marshal(resizePayload{rows, cols})
				a.send(frameResize, payload)
			}
		case syscall.SIGHUP:
			ended <- &failure{exitDone, "detached"}
		default:
			payload, _ := json.Marshal(signalPayload{signalName(received.(syscall.Signal))})
			a.send(frameSignal, payload)
		}
	}
}

func (a *attachment) sendStdin(sequence []byte, ended chan<- error) {
	buffer := make([]byte, 32<<10)
	matcher := detachMatcher{sequence: sequence}
	for {
		n, err := os.Stdin.Read(buffer)
		if n > 0 {
			typed, detach := matcher.feed(buffer[:n])
			if len(typed) > 0 {
				a.send(frameStdin, typed)
			}
			if detach {
				a.leaving.Store(true)
				a.send(frameDetach, nil)
				ended <- &failure{exitDone, "detached"}
				return
			}
		}
		if err != nil {
			a.send(frameStdin, nil)
			return
		}
	}
}

// detachMatcher keeps back the beginning of the sequence until it is clear whether it is one.
type detachMatcher struct {
	sequence []byte
	matched  int
}

func (m *detachMatcher) feed(typed []byte) (pass []byte, detach bool) {
	if len(m.sequence) == 0 {
		return typed, false
	}
	for _, key := range typed {
		if key == m.sequence[m.matched] {
			m.matched++
			if m.matched == len(m.sequence) {
				m.matched = 0
				return pass, true
			}
			continue
		}
		pass = append(pass, m.sequence[:m.matched]...)
		m.matched = 0
		if key == m.sequence[0] {
			m.matched = 1
			if len(m.sequence) == 1 {
				return pass, true
			}
			continue
		}
		pass = append(pass, key)
	}
	return pass, false
}

// parseDetachKeys understands docker's form: single characters and ctrl-x, joined with commas.
func parseDetachKeys(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	var sequence []byte
	for _, key := range strings.Split(text, ",") {
		switch {
		case len(key) == 1:
			sequence = append(sequence, key[0])
		case len(key) == 6 && strings.HasPrefix(key, "ctrl-") && (key[5] >= 'a' && key[5] <= 'z' || key[5] >= '@' && key[5] <= '_'):
			sequence = append(sequence, key[5]&0x1f)
		default:
			return nil, fmt.Errorf("not a key: %q", key)
		}
	}
	return sequence, nil
}
