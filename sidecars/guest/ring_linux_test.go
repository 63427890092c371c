package main

import (
	"bytes"
	"testing"
	"time"
)

func collect(reader *ringReader) (output []byte, lost int64) {
	for {
		_, data, gap, more := reader.next()
		if !more {
			return output, lost
		}
		output, lost = append(output, data...), lost+gap
	}
}

func TestReplayGivesTheLastBytesAndNoMore(t *testing.T) {
	r := newRing(64<<10, time.Millisecond)
	r.write(streamStdout, bytes.Repeat([]byte("a"), 200<<10))
	r.write(streamStdout, []byte("end"))
	r.close()
	output, lost := collect(r.reader(true))
	if len(output) > 64<<10 || len(output) < 32<<10 || !bytes.HasSuffix(output, []byte("end")) || lost != 0 {
		t.Fatalf("%d bytes, %d lost", len(output), lost)
	}
}

func TestAReaderThatReadsLosesNothing(t *testing.T) {
	r := newRing(32<<10, time.Minute)
	reader := r.reader(false)
	go func() {
		for i := 0; i < 1000; i++ {
			r.write(streamStdout, bytes.Repeat([]byte{byte(i)}, 1000))
		}
		r.close()
	}()
	output, lost := collect(reader)
	if len(output) != 1000000 || lost != 0 {
		t.Fatalf("%d bytes, %d lost", len(output), lost)
	}
}

func TestAReaderThatSleepsHoldsTheWriterBackOnceAndIsToldWhatItMissed(t *testing.T) {
	r := newRing(32<<10, 20*time.Millisecond)
	reader := r.reader(false)
	begun := time.Now()
	r.write(streamStdout, bytes.Repeat([]byte("a"), 1<<20))
	if took := time.Since(begun); took > time.Second {
		t.Fatalf("writer held back for %v", took)
	}
	r.close()
	output, lost := collect(reader)
	if int64(len(output))+lost != 1<<20 || lost == 0 {
		t.Fatalf("%d bytes, %d lost", len(output), lost)
	}
}

func TestManySmallAlternatingWritesStayBounded(t *testing.T) {
	r := newRing(1<<20, time.Millisecond)
	for i := 0; i < 100000; i++ {
		r.write(byte(streamStdout+i%2), []byte("x"))
	}
	if len(r.chunks) > ringChunks {
		t.Fatalf("%d chunks", len(r.chunks))
	}
}
