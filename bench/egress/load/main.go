// The ends of the benchmark of the door: `load origin`, `load tunnel` and `load generate`, each a process of its own.
// Raw connections and a reader of heads that knows nothing but lengths, so that they cost less than what is measured.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

func main() {
	if len(os.Args) < 2 {
		fail(errors.New("usage: load origin|tunnel|generate …"))
	}
	switch os.Args[1] {
	case "origin":
		fail(origin(os.Args[2:]))
	case "tunnel":
		fail(tunnel(os.Args[2]))
	case "generate":
		fail(generate(os.Args[2]))
	}
}

func fail(err error) {
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "load:", err)
	os.Exit(1)
}

// listen announces its port as the only line of standard output.
func listen() (net.Listener, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return listener, nil
}

const headMax = 64 << 10

var headEnd = []byte("\r\n\r\n")

// reader takes messages from a connection; what was read too far stays in it.
type reader struct {
	conn   net.Conn
	buffer []byte
	from   int
	to     int
}

func newReader(conn net.Conn) *reader {
	return &reader{conn: conn, buffer: make([]byte, headMax)}
}

// head returns the next head, valid until the next call.
func (r *reader) head() ([]byte, error) {
	for {
		if at := bytes.Index(r.buffer[r.from:r.to], headEnd); at >= 0 {
			head := r.buffer[r.from : r.from+at+len(headEnd)]
			r.from += len(head)
			return head, nil
		}
		if r.from > 0 {
			r.to = copy(r.buffer, r.buffer[r.from:r.to])
			r.from = 0
		}
		if r.to == len(r.buffer) {
			return nil, errors.New("head too large")
		}
		read, err := r.conn.Read(r.buffer[r.to:])
		r.to += read
		if read == 0 && err != nil {
			return nil, err
		}
	}
}

// skip reads and drops so many bytes.
func (r *reader) skip(count int64) error {
	held := min(count, int64(r.to-r.from))
	r.from += int(held)
	for count -= held; count > 0; {
		read, err := r.conn.Read(r.buffer[:min(int64(len(r.buffer)), count)])
		count -= int64(read)
		if read == 0 && err != nil {
			return err
		}
	}
	return nil
}

// piece returns what comes next, valid until the next call.
func (r *reader) piece() ([]byte, error) {
	if r.from < r.to {
		held := r.buffer[r.from:r.to]
		r.from, r.to = 0, 0
		return held, nil
	}
	read, err := r.conn.Read(r.buffer)
	if read == 0 && err == nil {
		err = io.ErrNoProgress
	}
	return r.buffer[:read], err
}

// lengthOf is the Content-Length of a head; 0 without one.
func lengthOf(head []byte) int64 {
	for rest := head; ; {
		end := bytes.Index(rest, []byte("\r\n"))
		if end <= 0 {
			return 0
		}
		line := rest[:end]
		rest = rest[end+2:]
		if len(line) > 15 && bytes.EqualFold(line[:15], []byte("content-length:")) {
			length, _ := strconv.ParseInt(string(bytes.TrimSpace(line[15:])), 10, 64)
			return length
		}
	}
}
