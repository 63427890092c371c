package main

import "syscall"

func attemptInt80() (pid int)

// System call numbers that package syscall does not name.
const (
	sysGetrandom      = 318
	sysUserfaultfd    = 323
	sysBpf            = 321
	sysSetns          = 308
	sysOpenByHandleAt = 304
	x32Bit            = 0x40000000
)

// otherEntries are the ways into the kernel beside the ordinary one.
func otherEntries() []check {
	list := []check{}
	if errno, killed, err := endOf(attemptInt80()); true {
		ok := err == nil && (killed == syscall.SIGSYS || killed == syscall.SIGSEGV)
		list = append(list, check{"int80", ok, "getpid by int 0x80 in a child", outcome(errno, killed, err), "fork-control"})
	}
	errno, killed, err := attempt(x32Bit | syscall.SYS_GETPID)
	ok := err == nil && (killed == syscall.SIGSYS || errno == syscall.ENOSYS || errno == syscall.EPERM)
	return append(list, check{"x32", ok, "getpid by its x32 number in a child", outcome(errno, killed, err), "fork-control"})
}
