// call [--run DIR]: one JSON request from stdin to init, its one answer line on stdout.
// 0: the answer says ok; 1: it does not; 3: the request is too long, no JSON object, or an attach; 4: init is not reachable.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"time"
)

func call(args []string) error {
	flags := newArguments()
	run := flags.String("run", "/run/bb", "folder of the socket")
	if _, err := flags.words(args, 0, 0); err != nil {
		return err
	}
	asked, err := io.ReadAll(io.LimitReader(os.Stdin, requestBytes+1))
	if err != nil {
		return broken("stdin: %v", err)
	}
	var line bytes.Buffer
	var head struct {
		Op string `json:"op"`
	}
	if json.Compact(&line, asked) != nil || json.Unmarshal(asked, &head) != nil || line.Len() >= requestBytes {
		return refused("stdin is not one JSON object of less than 64 KiB")
	}
	if head.Op == "attach" {
		return refused("attach is a subcommand of its own")
	}
	path := filepath.Join(*run, "init.sock")
	connection, err := dialUnix(path, 2*time.Second)
	if err != nil {
		return absent("cannot connect to %s: %v", path, err)
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(stopGraceMost + 10*time.Second))
	line.WriteByte('\n')
	if _, err := connection.Write(line.Bytes()); err != nil {
		return absent("init does not read: %v", err)
	}
	told, err := bufio.NewReaderSize(connection, requestBytes).ReadBytes('\n')
	if err != nil {
		return absent("init gave no answer: %v", err)
	}
	var result answer
	if err := json.Unmarshal(told, &result); err != nil {
		return broken("init answered what is no JSON: %v", err)
	}
	if _, err := os.Stdout.Write(told); err != nil {
		return broken("stdout: %v", err)
	}
	if !result.Ok {
		return no()
	}
	return nil
}
