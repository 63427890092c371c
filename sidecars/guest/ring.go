// The output of one run of the agent program: the last MiB, read by any number of attachments at their own pace.
// A reader that would lose bytes holds the writer back for at most `patience`; after that it loses them, is told how many, and holds nobody back until it has caught up.
package main

import (
	"sort"
	"sync"
	"time"
)

const (
	ringBytes     = 1 << 20
	ringChunk     = 16 << 10
	ringChunks    = 4096
	ringPatience  = 2 * time.Second
	streamStdout  = frameStdout
	streamStderr  = frameStderr
	ringReadLimit = 32 << 10
)

type chunk struct {
	stream byte
	start  int64
	data   []byte
}

func (c chunk) end() int64 { return c.start + int64(len(c.data)) }

type ring struct {
	mu       sync.Mutex
	changed  *sync.Cond
	chunks   []chunk
	end      int64
	readers  map[*ringReader]bool
	closed   bool
	limit    int64
	patience time.Duration
}

type ringReader struct {
	ring  *ring
	at    int64
	lossy bool
	gone  bool
}

func newRing(limit int64, patience time.Duration) *ring {
	r := &ring{readers: map[*ringReader]bool{}, limit: limit, patience: patience}
	r.changed = sync.NewCond(&r.mu)
	return r
}

func (r *ring) write(stream byte, data []byte) {
	for len(data) > 0 {
		n := len(data)
		if n > ringChunk {
			n = ringChunk
		}
		r.append(stream, data[:n])
		data = data[n:]
	}
}

// close says that no more output comes; readers end when they have read what is kept.
func (r *ring) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.changed.Broadcast()
}

// reader starts at the oldest byte kept (replay) or at the next one written.
func (r *ring) reader(replay bool) *ringReader {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.end
	if replay {
		at = r.start()
	}
	reader := &ringReader{ring: r, at: at}
	r.readers[reader] = true
	return reader
}

func (r *ring) start() int64 {
	if len(r.chunks) == 0 {
		return r.end
	}
	return r.chunks[0].start
}

func (r *ring) append(stream byte, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waitForReaders(int64(len(data)))
	last := len(r.chunks) - 1
	if last >= 0 && r.chunks[last].stream == stream && len(r.chunks[last].data)+len(data) <= ringChunk {
		r.chunks[last].data = append(r.chunks[last].data, data...)
	} else {
		r.chunks = append(r.chunks, chunk{stream, r.end, append([]byte(nil), data...)})
	}
	r.end += int64(len(data))
	for len(r.chunks) > 1 && (r.end-r.chunks[0].start > r.limit || len(r.chunks) > ringChunks) {
		r.chunks[0].data = nil
		r.chunks = r.chunks[1:]
	}
	r.changed.Broadcast()
}

func (r *ring) waitForReaders(size int64) {
	if !r.someoneWouldLose(size) {
		return
	}
	expired := false
	timer := time.AfterFunc(r.patience, func() {
		r.mu.Lock()
		expired = true
		r.mu.Unlock()
		r.changed.Broadcast()
	})
	defer timer.Stop()
	for r.someoneWouldLose(size) {
		if expired {
			for reader := range r.readers {
				reader.lossy = reader.lossy || r.wouldLose(reader, size)
			}
			return
		}
		r.changed.Wait()
	}
}

func (r *ring) someoneWouldLose(size int64) bool {
	for reader := range r.readers {
		if !reader.lossy && r.wouldLose(reader, size) {
			return true
		}
	}
	return false
}

func (r *ring) wouldLose(reader *ringReader, size int64) bool {
	if len(r.chunks) == 0 || reader.at >= r.chunks[0].end() {
		return false
	}
	return r.end+size-r.chunks[0].start > r.limit || len(r.chunks) >= ringChunks
}

// next waits for output. gap > 0: that many bytes were lost and data is empty. ok false: the run is over, or the reader was closed.
func (reader *ringReader) next() (stream byte, data []byte, gap int64, ok bool) {
	r := reader.ring
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if reader.gone {
			return 0, nil, 0, false
		}
		if start := r.start(); reader.at < start {
			gap = start - reader.at
			reader.at = start
			return 0, nil, gap, true
		}
		if reader.at < r.end {
			i := sort.Search(len(r.chunks), func(i int) bool { return r.chunks[i].end() > reader.at })
			from := r.chunks[i].data[reader.at-r.chunks[i].start:]
			if len(from) > ringReadLimit {
				from = from[:ringReadLimit]
			}
			data = append([]byte(nil), from...)
			reader.at += int64(len(data))
			if reader.at == r.end {
				reader.lossy = false
			}
			r.changed.Broadcast()
			return r.chunks[i].stream, data, 0, true
		}
		if r.closed {
			return 0, nil, 0, false
		}
		r.changed.Wait()
	}
}

// close may be called from any goroutine; a waiting next returns.
func (reader *ringReader) close() {
	reader.ring.mu.Lock()
	reader.gone = true
	delete(reader.ring.readers, reader)
	reader.ring.mu.Unlock()
	reader.ring.changed.Broadcast()
}
