// forward LISTEN SOCKET [LISTEN SOCKET …]: each TCP connection to LISTEN (IPv4:PORT) becomes one to the Unix SOCKET, with half-close.
// Prints {"listening":[…]} when all are bound; at most 256 connections per pair, the rest waits in the backlog. SIGTERM ends it, 0.
package main

import (
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const forwardConnections = 256

func forward(args []string) error {
	words, err := newArguments().words(args, 2, -1)
	if err != nil {
		return err
	}
	if len(words)%2 != 0 {
		return usage("LISTEN and SOCKET come in pairs")
	}
	var addresses []string
	var listeners []*socket
	for i := 0; i < len(words); i += 2 {
		listener, err := listenTCP(words[i])
		if err != nil {
			return broken("cannot listen on %s: %v", words[i], err)
		}
		addresses = append(addresses, words[i])
		listeners = append(listeners, listener)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	if err := printJSON(map[string][]string{"listening": addresses}); err != nil {
		return err
	}
	for i, listener := range listeners {
		go forwardAll(listener, words[2*i+1])
	}
	<-ended
	return nil
}

func forwardAll(listener *socket, path string) {
	places := make(chan struct{}, forwardConnections)
	for {
		places <- struct{}{}
		connection, err := listener.accept()
		if err != nil {
			<-places
			// Out of descriptors or an aborted connection: the listener itself stays good.
			time.Sleep(10 * time.Millisecond)
			continue
		}
		go func() {
			forwardOne(connection, path)
			<-places
		}()
	}
}

func forwardOne(connection *socket, path string) {
	defer connection.Close()
	door, err := dialUnix(path, 5*time.Second)
	if err != nil {
		return
	}
	defer door.Close()
	back := make(chan struct{})
	go func() {
		io.Copy(connection, door)
		connection.closeWrite()
		close(back)
	}()
	io.Copy(door, connection)
	door.closeWrite()
	<-back
}
