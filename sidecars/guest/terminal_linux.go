// Terminals: a new pair, its size, raw mode.
package main

import (
	"os"
	"syscall"
	"unsafe"
)

// asm-generic/ioctls.h, the same on amd64 and arm64.
const (
	ioctlUnlockPty = 0x40045431 // TIOCSPTLCK
	ioctlPtyPeer   = 0x5441     // TIOCGPTPEER
)

type windowSize struct{ rows, cols, x, y uint16 }

func ioctl(fd int, request, argument uintptr) (int, error) {
	value, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, argument)
	if errno != 0 {
		return 0, errno
	}
	return int(value), nil
}

// openTerminal returns the master, non-blocking, and the descriptor of the slave. The slave is opened through the master: no path that an image made is followed.
func openTerminal(rows, cols uint16) (master *os.File, slave int, err error) {
	fd, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, -1, err
	}
	var unlock int32
	if _, err = ioctl(fd, ioctlUnlockPty, uintptr(unsafe.Pointer(&unlock))); err == nil {
		slave, err = ioctl(fd, ioctlPtyPeer, syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, -1, err
	}
	if rows > 0 && cols > 0 {
		setWindowSize(fd, rows, cols)
	}
	return os.NewFile(uintptr(fd), "terminal"), slave, nil
}

func setWindowSize(fd int, rows, cols uint16) error {
	size := windowSize{rows: rows, cols: cols}
	_, err := ioctl(fd, syscall.TIOCSWINSZ, uintptr(unsafe.Pointer(&size)))
	return err
}

func getWindowSize(fd int) (rows, cols uint16) {
	var size windowSize
	if _, err := ioctl(fd, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size))); err != nil {
		return 0, 0
	}
	return size.rows, size.cols
}

// foregroundGroup is 0 when there is none.
func foregroundGroup(fd int) int {
	var group int32
	if _, err := ioctl(fd, syscall.TIOCGPGRP, uintptr(unsafe.Pointer(&group))); err != nil {
		return 0
	}
	return int(group)
}

func isTerminal(fd int) bool {
	var settings syscall.Termios
	_, err := ioctl(fd, syscall.TCGETS, uintptr(unsafe.Pointer(&settings)))
	return err == nil
}

// makeRaw returns what restores the settings.
func makeRaw(fd int) (restore func(), err error) {
	var before syscall.Termios
	if _, err := ioctl(fd, syscall.TCGETS, uintptr(unsafe.Pointer(&before))); err != nil {
		return nil, err
	}
	raw := before
	raw.Iflag &^= syscall.IGNBRK | syscall.BRKINT | syscall.PARMRK | syscall.ISTRIP | syscall.INLCR | syscall.IGNCR | syscall.ICRNL | syscall.IXON
	raw.Oflag &^= syscall.OPOST
	raw.Lflag &^= syscall.ECHO | syscall.ECHONL | syscall.ICANON | syscall.ISIG | syscall.IEXTEN
	raw.Cflag &^= syscall.CSIZE | syscall.PARENB
	raw.Cflag |= syscall.CS8
	raw.Cc[syscall.VMIN], raw.Cc[syscall.VTIME] = 1, 0
	if _, err := ioctl(fd, syscall.TCSETS, uintptr(unsafe.Pointer(&raw))); err != nil {
		return nil, err
	}
	return func() { ioctl(fd, syscall.TCSETS, uintptr(unsafe.Pointer(&before))) }, nil
}
