package main

import (
	"syscall"
	"unsafe"
)

// sys/un.h: SOL_LOCAL, LOCAL_PEERCRED (struct xucred), LOCAL_PEERPID.
const (
	solLocal      = 0
	localPeerCred = 1
	localPeerPid  = 2
)

type xucred struct {
	version uint32
	uid     uint32
	ngroups int16
	_       int16
	groups  [16]uint32
}

func peerOf(fd int) (peerIdentity, error) {
	var credentials xucred
	if err := getsockopt(fd, localPeerCred, unsafe.Pointer(&credentials), unsafe.Sizeof(credentials)); err != nil {
		return peerIdentity{}, err
	}
	var pid int32
	if err := getsockopt(fd, localPeerPid, unsafe.Pointer(&pid), unsafe.Sizeof(pid)); err != nil {
		return peerIdentity{}, err
	}
	return peerIdentity{int(pid), credentials.uid, credentials.groups[0]}, nil
}

func getsockopt(fd, option int, value unsafe.Pointer, size uintptr) error {
	length := uint32(size)
	_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, uintptr(fd), solLocal, uintptr(option), uintptr(value), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
