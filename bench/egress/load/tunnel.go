package main

import (
	"io"
	"net"
)

// tunnel is the least a proxy can do: CONNECT, and bytes both ways. Whatever is asked for is at `address`.
func tunnel(address string) error {
	listener, err := listen()
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go pass(conn, address)
	}
}

func pass(client net.Conn, address string) {
	defer client.Close()
	if _, err := newReader(client).head(); err != nil {
		return
	}
	upstream, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer upstream.Close()
	if _, err := client.Write([]byte("HTTP/1.1 200 OK\r\n\r\n")); err != nil {
		return
	}
	go func() {
		io.Copy(upstream, client)
		upstream.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(client, upstream)
}
