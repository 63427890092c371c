// relay SOCKET [--timeout SECONDS]: stdio to a Unix socket and back. Binary-safe; the end of one direction is passed on and the other goes on.
// Ends 0 at the end of both, or as soon as the other side has closed both; 4 when it cannot connect; 5 when broken in between.
package main

import (
	"io"
	"os"
	"time"
)

func relay(args []string) error {
	flags := newArguments()
	timeout := flags.Float64("timeout", 5, "seconds for connecting")
	words, err := flags.words(args, 1, 1)
	if err != nil {
		return err
	}
	connection, err := dialUnix(words[0], time.Duration(*timeout*float64(time.Second)))
	if err != nil {
		return absent("cannot connect to %s: %v", words[0], err)
	}
	sent, received := make(chan error, 1), make(chan error, 1)
	gone := make(chan struct{})
	go func() {
		_, err := io.Copy(connection, os.Stdin)
		connection.closeWrite()
		sent <- err
	}()
	go func() {
		_, err := io.Copy(os.Stdout, connection)
		os.Stdout.Close()
		received <- err
		if err == nil {
			connection.waitGone()
			close(gone)
		}
	}()
	if err := <-received; err != nil {
		return broken("relay from %s: %v", words[0], err)
	}
	select {
	case err = <-sent:
	case <-gone:
		return nil
	}
	if err != nil {
		return broken("relay to %s: %v", words[0], err)
	}
	return nil
}
