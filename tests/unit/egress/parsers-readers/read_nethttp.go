// Reads requests with Go's net/http: blobs in (four bytes of length before each), one line of JSON each out.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

type request struct {
	Method    string   `json:"method"`
	Target    string   `json:"target"`
	Hosts     []string `json:"hosts"`
	Authority string   `json:"authority"`
	Body      string   `json:"body"`
}

type reading struct {
	Requests []request `json:"requests"`
	Whole    bool      `json:"whole"`
}

func latin1(raw []byte) string {
	runes := make([]rune, len(raw))
	for at, octet := range raw {
		runes[at] = rune(octet)
	}
	return string(runes)
}

func canonical(host string) string {
	parsed, err := url.Parse("http://" + host)
	if err != nil {
		return ""
	}
	port := parsed.Port()
	if port == "" {
		port = "0"
	}
	return strings.TrimSuffix(strings.ToLower(parsed.Hostname()), ".") + ":" + port
}

func read(blob []byte) reading {
	said := reading{Requests: []request{}}
	from := bufio.NewReaderSize(bytes.NewReader(blob), 1<<20)
	for {
		if _, err := from.Peek(1); err == io.EOF {
			said.Whole = true
			return said
		}
		one, err := http.ReadRequest(from)
		if err != nil {
			return said
		}
		body, err := io.ReadAll(one.Body)
		if err != nil {
			return said
		}
		said.Requests = append(said.Requests, request{
			Method: one.Method, Target: latin1([]byte(one.RequestURI)), Hosts: []string{latin1([]byte(one.Host))},
			Authority: latin1([]byte(canonical(one.Host))), Body: latin1(body),
		})
	}
}

func main() {
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := json.NewEncoder(out)
	for {
		var size uint32
		if binary.Read(in, binary.BigEndian, &size) != nil {
			return
		}
		blob := make([]byte, size)
		if _, err := io.ReadFull(in, blob); err != nil {
			os.Exit(1)
		}
		if lines.Encode(read(blob)) != nil {
			os.Exit(1)
		}
	}
}
