package main

import (
	"bytes"
	"io"
	"testing"
)

func TestFramesComeBackAsWritten(t *testing.T) {
	var wire bytes.Buffer
	writeFrame(&wire, frameStdin, []byte("abc"))
	writeFrameJSON(&wire, frameExit, exitPayload{7})
	kind, payload, err := readFrame(&wire)
	if kind != frameStdin || string(payload) != "abc" || err != nil {
		t.Fatal(kind, payload, err)
	}
	kind, payload, err = readFrame(&wire)
	if kind != frameExit || string(payload) != `{"code":7}` || err != nil {
		t.Fatal(kind, payload, err)
	}
	if _, _, err = readFrame(&wire); err != io.EOF {
		t.Fatal(err)
	}
}

func TestFramesOfMoreThan64KiBAndCutFramesAreErrors(t *testing.T) {
	for _, wire := range []string{"\x00\xff\xff\xff\xff", "\x00\x00\x01\x00\x01", "\x00\x00\x00\x00\x05ab", "\x00\x00"} {
		if _, _, err := readFrame(bytes.NewReader([]byte(wire))); err == nil || err == io.EOF {
			t.Errorf("%q: %v", wire, err)
		}
	}
}

func TestTheDetachSequenceIsFoundAcrossReadsAndLooseKeysPass(t *testing.T) {
	keys, err := parseDetachKeys("ctrl-p,ctrl-q")
	if err != nil || !bytes.Equal(keys, []byte{16, 17}) {
		t.Fatal(keys, err)
	}
	m := detachMatcher{sequence: keys}
	if pass, detach := m.feed([]byte("a\x10")); string(pass) != "a" || detach {
		t.Fatal(pass, detach)
	}
	if pass, detach := m.feed([]byte("b\x10\x10")); string(pass) != "\x10b\x10" || detach {
		t.Fatalf("%q %v", pass, detach)
	}
	if pass, detach := m.feed([]byte("\x11c")); len(pass) != 0 || !detach {
		t.Fatalf("%q %v", pass, detach)
	}
	if _, err := parseDetachKeys("ctrl-pp"); err == nil {
		t.Fatal("accepted")
	}
}
