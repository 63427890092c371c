package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"
)

// TLS of both ends: one suite and one curve, so that no peer does other arithmetic than the next.
func arithmetic() *tls.Config {
	return &tls.Config{
		NextProtos:                  []string{"http/1.1"},
		CurvePreferences:            []tls.CurveID{tls.X25519},
		DynamicRecordSizingDisabled: true,
	}
}

const small = `{"items":[{"id":1,"name":"one"},{"id":2,"name":"two"}],"next":null}`

var smallAnswer = []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nServer: origin\r\nContent-Length: %d\r\n\r\n%s", len(small), small))

// origin serves `/small`, `/down?bytes=`, `/sse?events=&gap=` (microseconds), and takes any body. Arguments: pairs of
// certificate chain and key.
func origin(files []string) error {
	config := arithmetic()
	for at := 0; at+1 < len(files); at += 2 {
		pair, err := tls.LoadX509KeyPair(files[at], files[at+1])
		if err != nil {
			return err
		}
		config.Certificates = append(config.Certificates, pair)
	}
	listener, err := listen()
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go answer(tls.Server(conn, config))
	}
}

func answer(conn net.Conn) {
	defer conn.Close()
	requests := newReader(conn)
	piece := bytes.Repeat([]byte("a"), 128<<10)
	for {
		head, err := requests.head()
		if err != nil {
			return
		}
		target := string(bytes.SplitN(head, []byte(" "), 3)[1])
		asked, err := url.Parse(target)
		if err != nil {
			return
		}
		number := func(name string) int64 {
			value, _ := strconv.ParseInt(asked.Query().Get(name), 10, 64)
			return value
		}
		if requests.skip(lengthOf(head)) != nil {
			return
		}
		switch asked.Path {
		case "/down":
			err = down(conn, piece, number("bytes"))
		case "/sse":
			err = events(conn, number("events"), time.Duration(number("gap"))*time.Microsecond)
		default:
			_, err = conn.Write(smallAnswer)
		}
		if err != nil {
			return
		}
	}
}

func down(conn net.Conn, piece []byte, left int64) error {
	_, err := fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", left)
	for err == nil && left > 0 {
		var written int
		written, err = conn.Write(piece[:min(int64(len(piece)), left)])
		left -= int64(written)
	}
	return err
}

// events says in each event when it was written, nanoseconds of the clock that all processes of a machine share.
func events(conn net.Conn, count int64, gap time.Duration) error {
	_, err := conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"))
	for ; err == nil && count > 0; count-- {
		time.Sleep(gap)
		event := fmt.Sprintf("event: content_block_delta\ndata: {\"type\":\"text_delta\",\"text\":\"some words of an answer\",\"at\":%d}\n\n", time.Now().UnixNano())
		_, err = fmt.Fprintf(conn, "%x\r\n%s\r\n", len(event), event)
	}
	if err == nil {
		_, err = conn.Write([]byte("0\r\n\r\n"))
	}
	return err
}
