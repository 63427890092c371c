package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// order is one thing to measure, a line of JSON on standard input; its answer is a line of standard output.
type order struct {
	Do string
	// Address of the door; Connect: it is asked by CONNECT, else TLS is spoken at once.
	Address string
	Connect bool
	// Host and port that are asked for.
	Host string
	Port int
	// How many at once, and for how long.
	Concurrency int
	Ms          int
	Hosts       []string
	Bytes       int64
	Body        string
	Count       int
	Gap         int
}

// answered has times in microseconds.
type answered struct {
	Count   int     `json:"count"`
	Elapsed float64 `json:"elapsed"`
	Median  float64 `json:"median"`
	P99     float64 `json:"p99"`
	Error   string  `json:"error,omitempty"`
}

type generator struct {
	config *tls.Config
	bodies map[string][]byte
	// Made ready by `open`, for the next `requests`: what it takes to open them is not measured.
	lines []line
}

func generate(root string) error {
	pem, err := os.ReadFile(root)
	if err != nil {
		return err
	}
	config := arithmetic()
	config.RootCAs = x509.NewCertPool()
	config.RootCAs.AppendCertsFromPEM(pem)
	g := &generator{config: config, bodies: map[string][]byte{}}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var asked order
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return err
		}
		result, err := g.run(asked)
		if err != nil {
			result.Error = err.Error()
		}
		said, _ := json.Marshal(result)
		fmt.Println(string(said))
	}
	return lines.Err()
}

func (g *generator) run(o order) (answered, error) {
	switch o.Do {
	case "open":
		return answered{}, g.ready(o, g.keptAlive)
	case "tunnels":
		if err := g.ready(o, g.anew); err != nil {
			return answered{}, err
		}
		return g.all(o)
	case "requests":
		return g.all(o)
	case "first":
		return g.first(o)
	case "down", "up", "post", "sse":
		return g.one(o)
	}
	return answered{}, errors.New("unknown order " + o.Do)
}

func (g *generator) open(o order, host string) (*tls.Conn, error) {
	conn, err := net.Dial("tcp", o.Address)
	if err != nil {
		return nil, err
	}
	// A peer that hangs is missing, not waited for.
	conn.SetDeadline(time.Now().Add(time.Minute))
	if o.Connect {
		fmt.Fprintf(conn, "CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n", host, o.Port, host, o.Port)
		head, err := newReader(conn).head()
		if err != nil || !bytes.HasPrefix(head[min(len(head), 8):], []byte(" 200")) {
			conn.Close()
			return nil, fmt.Errorf("CONNECT %s: %.60q %v", host, head, err)
		}
	}
	config := g.config.Clone()
	config.ServerName = host
	secured := tls.Client(conn, config)
	if err := secured.Handshake(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS with %s: %w", host, err)
	}
	return secured, nil
}

func requestOf(o order, host, method, path string, length int64) []byte {
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: generate/1.0\r\nAccept: application/json\r\nAccept-Language: en\r\nX-Request-Id: 7d1c\r\n", method, path, host, o.Port)
	if length >= 0 {
		text += "Content-Type: application/json\r\nContent-Length: " + strconv.FormatInt(length, 10) + "\r\n"
	}
	return []byte(text + "\r\n")
}

// ready makes so many lines at once.
func (g *generator) ready(o order, made func(o order) (line, error)) error {
	g.lines = make([]line, o.Concurrency)
	_, err := inParallel(o.Concurrency, func(at int) (_ []float64, err error) {
		g.lines[at], err = made(o)
		return nil, err
	})
	if err != nil {
		g.lines = nil
	}
	return err
}

// all lines until the time is over.
func (g *generator) all(o order) (answered, error) {
	began := time.Now()
	until := began.Add(time.Duration(o.Ms) * time.Millisecond)
	times, err := inParallel(len(g.lines), func(at int) ([]float64, error) { return g.lines[at](until) })
	g.lines = nil
	return told(times, time.Since(began)), err
}

func inParallel(count int, work func(at int) ([]float64, error)) (all []float64, failed error) {
	var lock sync.Mutex
	var workers sync.WaitGroup
	for at := range count {
		workers.Go(func() {
			times, err := work(at)
			lock.Lock()
			defer lock.Unlock()
			all = append(all, times...)
			if err != nil {
				failed = err
			}
		})
	}
	workers.Wait()
	return all, failed
}

// line does the same thing until the time is over, and says how long each took.
type line func(until time.Time) ([]float64, error)

func timed(until time.Time, work func() error) ([]float64, error) {
	var times []float64
	for began := time.Now(); began.Before(until); {
		if err := work(); err != nil {
			return times, err
		}
		now := time.Now()
		times = append(times, micros(now.Sub(began)))
		began = now
	}
	return times, nil
}

func (g *generator) keptAlive(o order) (line, error) {
	conn, err := g.open(o, o.Host)
	if err != nil {
		return nil, err
	}
	request := requestOf(o, o.Host, "GET", "/small?page=2", -1)
	answers := newReader(conn)
	once := func() error { return exchange(conn, answers, request) }
	return func(until time.Time) ([]float64, error) {
		defer conn.Close()
		return timed(until, once)
	}, once()
}

func (g *generator) anew(o order) (line, error) {
	return func(until time.Time) ([]float64, error) {
		return timed(until, func() error { return g.once(o, o.Host) })
	}, nil
}

// once is a connection of its own with one request.
func (g *generator) once(o order, host string) error {
	conn, err := g.open(o, host)
	if err != nil {
		return err
	}
	defer conn.Close()
	return exchange(conn, newReader(conn), requestOf(o, host, "GET", "/small", -1))
}

func (g *generator) first(o order) (answered, error) {
	began := time.Now()
	var times []float64
	for _, host := range o.Hosts {
		from := time.Now()
		if err := g.once(o, host); err != nil {
			return told(times, time.Since(began)), err
		}
		times = append(times, micros(time.Since(from)))
	}
	return told(times, time.Since(began)), nil
}

// one measures on a connection that has carried a request already.
func (g *generator) one(o order) (answered, error) {
	conn, err := g.open(o, o.Host)
	if err != nil {
		return answered{}, err
	}
	defer conn.Close()
	answers := newReader(conn)
	if err := exchange(conn, answers, requestOf(o, o.Host, "GET", "/small", -1)); err != nil {
		return answered{}, err
	}
	began := time.Now()
	var times []float64
	switch o.Do {
	case "down":
		err = exchange(conn, answers, requestOf(o, o.Host, "GET", fmt.Sprintf("/down?bytes=%d", o.Bytes), -1))
	case "sse":
		times, err = delays(conn, answers, requestOf(o, o.Host, "GET", fmt.Sprintf("/sse?events=%d&gap=%d", o.Count, o.Gap), -1), o.Count)
	default:
		var body []byte
		if body, err = g.body(o.Body); err != nil {
			return answered{}, err
		}
		for range o.Count {
			from := time.Now()
			if err = upload(conn, answers, requestOf(o, o.Host, "POST", "/v1/messages", o.Bytes), body, o.Bytes); err != nil {
				break
			}
			times = append(times, micros(time.Since(from)))
		}
	}
	return told(times, time.Since(began)), err
}

func (g *generator) body(file string) ([]byte, error) {
	if body, ok := g.bodies[file]; ok {
		return body, nil
	}
	body, err := os.ReadFile(file)
	g.bodies[file] = body
	return body, err
}

func exchange(conn net.Conn, answers *reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	return answerTo(answers)
}

func answerTo(answers *reader) error {
	head, err := answers.head()
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("answered %.300q", head)
	}
	return answers.skip(lengthOf(head))
}

// upload sends the body, repeated or cut to the length; the head goes with its first piece.
func upload(conn net.Conn, answers *reader, head, body []byte, length int64) error {
	const piece = 128 << 10
	first := min(int64(len(body)), length, piece)
	if _, err := conn.Write(append(head, body[:first]...)); err != nil {
		return err
	}
	for at, left := int(first)%len(body), length-first; left > 0; {
		size := int(min(int64(len(body)-at), left, piece))
		if _, err := conn.Write(body[at : at+size]); err != nil {
			return err
		}
		left -= int64(size)
		at = (at + size) % len(body)
	}
	return answerTo(answers)
}

// delays of events from their writing to their arrival.
func delays(conn net.Conn, answers *reader, request []byte, count int) ([]float64, error) {
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	mark := []byte(`"at":`)
	var times []float64
	var held []byte
	for len(times) < count {
		piece, err := answers.piece()
		if err != nil {
			return times, err
		}
		now := time.Now().UnixNano()
		held = append(held, piece...)
		for {
			at := bytes.Index(held, mark)
			end := bytes.IndexByte(held[max(at, 0):], '}')
			if at < 0 || end < 0 {
				break
			}
			written, _ := strconv.ParseInt(string(held[at+len(mark):at+end]), 10, 64)
			times = append(times, float64(now-written)/1e3)
			held = held[at+end:]
		}
	}
	return times, nil
}

func micros(duration time.Duration) float64 { return float64(duration) / 1e3 }

func told(times []float64, elapsed time.Duration) answered {
	slices.Sort(times)
	at := func(part float64) float64 {
		if len(times) == 0 {
			return 0
		}
		return times[int(part*float64(len(times)-1))]
	}
	return answered{Count: len(times), Elapsed: micros(elapsed), Median: at(0.5), P99: at(0.99)}
}
