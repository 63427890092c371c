// Stream sockets on raw system calls: package net would cost a fifth of the size limit and brings a resolver nobody here may use.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// socket is a connected or listening stream socket, non-blocking below, blocking for its reader and writer.
type socket struct {
	*os.File
	raw syscall.RawConn
}

func newSocket(fd int, name string) (*socket, error) {
	file := os.NewFile(uintptr(fd), name)
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	return &socket{file, raw}, nil
}

func dialUnix(path string, patience time.Duration) (*socket, error) {
	if len(path) == 0 || path[0] == '@' || len(path) > 107 {
		return nil, fmt.Errorf("not the path of a Unix socket (1 to 107 bytes)")
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	until := time.Now().Add(patience)
	for {
		err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
		if err == nil {
			return newSocket(fd, path)
		}
		// EAGAIN: the listener's backlog is full; a Unix socket has no connection in progress to wait for.
		if (err != syscall.EAGAIN && err != syscall.EINTR) || time.Now().After(until) {
			syscall.Close(fd)
			return nil, err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func listenUnix(path string) (*socket, error) {
	if len(path) == 0 || path[0] == '@' || len(path) > 107 {
		return nil, fmt.Errorf("not the path of a Unix socket (1 to 107 bytes)")
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	// fchmod before bind gives the socket file its mode from its first moment.
	if err = syscall.Fchmod(fd, 0o600); err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: path})
	}
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err == nil {
		err = syscall.Listen(fd, 64)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return newSocket(fd, path)
}

func listenTCP(address string) (*socket, error) {
	ip, port, err := parseIPv4Port(address)
	if err != nil {
		return nil, err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err = syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: ip}); err == nil {
		err = syscall.Listen(fd, 128)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return newSocket(fd, address)
}

func (s *socket) accept() (*socket, error) {
	var fd int
	var failed error
	err := s.raw.Read(func(listener uintptr) bool {
		fd, _, failed = syscall.Accept4(int(listener), syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK)
		return failed != syscall.EAGAIN
	})
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	return newSocket(fd, "connection")
}

// closeWrite tells the other end that nothing more comes from here.
func (s *socket) closeWrite() {
	s.raw.Control(func(fd uintptr) { syscall.Shutdown(int(fd), syscall.SHUT_WR) })
}

// waitGone returns when the other end has closed both directions.
func (s *socket) waitGone() {
	type pollFd struct {
		fd      int32
		events  int16
		revents int16
	}
	gone := false
	for !gone {
		if s.raw.Control(func(fd uintptr) {
			entry := pollFd{fd: int32(fd)}
			step := syscall.Timespec{Sec: 0, Nsec: 200e6}
			n, _, _ := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&entry)), 1, uintptr(unsafe.Pointer(&step)), 0, 0, 0)
			gone = n == 1
		}) != nil {
			return
		}
	}
}

func parseIPv4Port(address string) (ip [4]byte, port int, err error) {
	wrong := fmt.Errorf("not IPv4:PORT: %s", address)
	colon := strings.LastIndexByte(address, ':')
	if colon < 0 {
		return ip, 0, wrong
	}
	port, err = strconv.Atoi(address[colon+1:])
	if err != nil || port < 0 || port > 65535 {
		return ip, 0, wrong
	}
	parts := strings.Split(address[:colon], ".")
	if len(parts) != 4 {
		return ip, 0, wrong
	}
	for i, part := range parts {
		value, err := strconv.ParseUint(part, 10, 8)
		if err != nil || strconv.FormatUint(value, 10) != part {
			return ip, 0, wrong
		}
		ip[i] = byte(value)
	}
	return ip, port, nil
}
