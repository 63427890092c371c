// What attachments type, in order, to one program that may not be reading: at most 64 pieces wait, then the attachment that sends waits.
package main

import (
	"io"
	"sync"
)

type stdinQueue struct {
	pieces chan []byte
	done   chan struct{}
	once   sync.Once
}

// newStdinQueue closes the program's stdin on an empty piece when closable.
func newStdinQueue(to io.WriteCloser, closable bool) *stdinQueue {
	q := &stdinQueue{pieces: make(chan []byte, 64), done: make(chan struct{})}
	go func() {
		for {
			select {
			case <-q.done:
				return
			case piece := <-q.pieces:
				if len(piece) == 0 {
					if closable {
						to.Close()
						q.close()
						return
					}
					continue
				}
				if _, err := to.Write(piece); err != nil {
					q.close()
					return
				}
			}
		}
	}()
	return q
}

// send gives up when the queue is closed or the sender is.
func (q *stdinQueue) send(piece []byte, senderGone <-chan struct{}) {
	select {
	case q.pieces <- piece:
	case <-q.done:
	case <-senderGone:
	}
}

func (q *stdinQueue) close() { q.once.Do(func() { close(q.done) }) }
