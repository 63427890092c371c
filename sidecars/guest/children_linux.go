// The children of init: reaped all, whoever made them; only one place calls wait4.
package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

type children struct {
	mu      sync.Mutex
	waiting map[int]chan syscall.WaitStatus
}

func newChildren() *children { return &children{waiting: map[int]chan syscall.WaitStatus{}} }

// start holds the lock over fork and registration, so that a child that ends at once is not missed.
func (c *children) start(path string, argv []string, attributes *syscall.ProcAttr) (pid int, ended <-chan syscall.WaitStatus, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pid, err = syscall.ForkExec(path, argv, attributes)
	if err != nil {
		return 0, nil, err
	}
	channel := make(chan syscall.WaitStatus, 1)
	c.waiting[pid] = channel
	return pid, channel, nil
}

// reap runs for ever. The signal only says "look": one may stand for many.
func (c *children) reap() {
	look := make(chan os.Signal, 1)
	signal.Notify(look, syscall.SIGCHLD)
	for {
		for {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
			if err == syscall.EINTR {
				continue
			}
			if pid <= 0 {
				break
			}
			c.mu.Lock()
			if channel, ours := c.waiting[pid]; ours {
				delete(c.waiting, pid)
				channel <- status
			}
			c.mu.Unlock()
		}
		<-look
	}
}
