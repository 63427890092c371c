// One forbidden system call, made in a child that does nothing else: a success changes nothing here, a filter that kills does not kill the probe.
package main

import (
	"fmt"
	"runtime"
	"syscall"
)

//go:noescape
func attemptInChild(number uintptr, arguments *[6]uintptr) (pid int)

const succeeded = 255

// attempt returns how the call ended: 0, an error number, or the signal that killed the child.
func attempt(number uintptr, arguments ...uintptr) (errno syscall.Errno, killed syscall.Signal, err error) {
	var all [6]uintptr
	copy(all[:], arguments)
	runtime.LockOSThread()
	pid := attemptInChild(number, &all)
	runtime.UnlockOSThread()
	return endOf(pid)
}

func endOf(pid int) (errno syscall.Errno, killed syscall.Signal, err error) {
	if pid < 0 {
		return 0, 0, fmt.Errorf("fork: %v", syscall.Errno(-pid))
	}
	var status syscall.WaitStatus
	for {
		_, err = syscall.Wait4(pid, &status, 0, nil)
		if err != syscall.EINTR {
			break
		}
	}
	switch {
	case err != nil:
		return 0, 0, err
	case status.Signaled():
		return 0, status.Signal(), nil
	case status.ExitStatus() == succeeded:
		return 0, 0, nil
	}
	return syscall.Errno(status.ExitStatus()), 0, nil
}
