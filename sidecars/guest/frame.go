// Frames of an attachment: type (1 byte), length (4 bytes, big endian, at most 65536), payload.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

const (
	frameStdin  = 0
	frameStdout = 1
	frameStderr = 2
	frameResize = 3
	frameSignal = 4
	frameExit   = 5
	frameDetach = 6
	frameGap    = 7

	framePayload = 64 << 10
)

type resizePayload struct {
	Rows uint16 `json:"rows"`
	Cols uint16 `json:"cols"`
}

type signalPayload struct {
	Name string `json:"name"`
}

type exitPayload struct {
	Code int `json:"code"`
}

type gapPayload struct {
	Bytes int64 `json:"bytes"`
}

// writeFrame makes one write call, so that frames of several writers do not mix when each holds the same lock.
func writeFrame(to io.Writer, kind byte, payload []byte) error {
	frame := make([]byte, 5+len(payload))
	frame[0] = kind
	binary.BigEndian.PutUint32(frame[1:], uint32(len(payload)))
	copy(frame[5:], payload)
	_, err := to.Write(frame)
	return err
}

func writeFrameJSON(to io.Writer, kind byte, value any) error {
	payload, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return writeFrame(to, kind, payload)
}

// readFrame returns io.EOF only between frames.
func readFrame(from io.Reader) (kind byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > framePayload {
		return 0, nil, fmt.Errorf("frame of %d bytes, the limit is %d", size, framePayload)
	}
	payload = make([]byte, size)
	if _, err := io.ReadFull(from, payload); err != nil {
		return 0, nil, fmt.Errorf("frame cut short: %w", err)
	}
	return head[0], payload, nil
}
