// trust install --cert-stdin [--beside] [--bundle-out PATH] · trust check --fingerprint SHA256: the bottle's root in the system's certificate store.
// Runs as uid 0 without capabilities, as owner of the files. No link is followed: a bundle that is one makes the layout unknown (exit 0, the caller works with
// variables). Every byte that is not ours stays; ours is the line "# bot-bottle root <sha256>" and the block after it. check writes nothing: 0 present, 1 not.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

const (
	certificateBytes = 64 << 10
	bundleBytes      = 16 << 20
	rootMark         = "# bot-bottle root "
)

// trustLayout: where a distribution keeps its store. The bundle is the real file, never the compatibility link to it.
type trustLayout struct {
	name, bundle, anchor, hashed string
}

var trustLayouts = []trustLayout{
	{"debian", "/etc/ssl/certs/ca-certificates.crt", "/usr/local/share/ca-certificates/bot-bottle.crt", "/etc/ssl/certs"},
	{"fedora", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/pki/ca-trust/source/anchors/bot-bottle.pem", ""},
	{"suse", "/var/lib/ca-certificates/ca-bundle.pem", "/etc/pki/trust/anchors/bot-bottle.pem", ""},
	{"arch", "/etc/ca-certificates/extracted/tls-ca-bundle.pem", "/etc/ca-certificates/trust-source/anchors/bot-bottle.pem", ""},
}

type trustAnswer struct {
	Layout      string   `json:"layout"`
	Bundle      string   `json:"bundle,omitempty"`
	Anchor      string   `json:"anchor,omitempty"`
	Hashed      string   `json:"hashed,omitempty"`
	Before      int      `json:"before"`
	After       int      `json:"after"`
	Fingerprint string   `json:"fingerprint"`
	Roots       []string `json:"roots"`
	Changed     bool     `json:"changed"`
}

func trust(args []string) error {
	if len(args) == 0 {
		return usage("install or check?")
	}
	flags := newArguments()
	switch args[0] {
	case "install":
		fromStdin := flags.Bool("cert-stdin", false, "the certificate is on stdin")
		beside := flags.Bool("beside", false, "keep earlier roots of ours")
		out := flags.String("bundle-out", "", "copy of the merged bundle")
		if _, err := flags.words(args[1:], 0, 0); err != nil {
			return err
		}
		if !*fromStdin {
			return usage("--cert-stdin is missing")
		}
		text, err := io.ReadAll(io.LimitReader(os.Stdin, certificateBytes+1))
		if err != nil {
			return broken("stdin: %v", err)
		}
		told, err := trustInstall("", text, *beside, *out)
		if err != nil {
			return err
		}
		return printJSON(told)
	case "check":
		fingerprint := flags.String("fingerprint", "", "sha256 of the certificate, hex")
		if _, err := flags.words(args[1:], 0, 0); err != nil {
			return err
		}
		if !isFingerprint(*fingerprint) {
			return usage("--fingerprint is 64 hex digits, lower case: %q", *fingerprint)
		}
		told, present, err := trustCheck("", *fingerprint)
		if err != nil {
			return err
		}
		if err := printJSON(told); err != nil || present {
			return err
		}
		return no()
	}
	return usage("install or check, not %s", args[0])
}

func isFingerprint(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// trustInstall works below root, "" for the real one.
func trustInstall(root string, text []byte, beside bool, out string) (trustAnswer, error) {
	block, err := oneCertificate(text)
	if err != nil {
		return trustAnswer{}, err
	}
	digest := sha256.Sum256(block.Bytes)
	told := trustAnswer{Layout: "unknown", Fingerprint: hex.EncodeToString(digest[:]), Roots: []string{}}
	ours := []byte(rootMark + told.Fingerprint + "\n" + string(pem.EncodeToMemory(block)))
	layout, bundle, mode, err := findLayout(root)
	if err != nil {
		return told, err
	}
	if layout == nil {
		return told, writeOut(out, ours)
	}
	told.Layout, told.Bundle = layout.name, layout.bundle
	foreign, roots := splitBundle(bundle)
	told.Before = countCertificates(foreign)
	merged := append([]byte(nil), foreign...)
	if len(merged) > 0 && merged[len(merged)-1] != '\n' {
		merged = append(merged, '\n')
	}
	for _, earlier := range roots {
		if beside && earlier.fingerprint != told.Fingerprint {
			merged = append(merged, earlier.text...)
			told.Roots = append(told.Roots, earlier.fingerprint)
		}
	}
	merged = append(merged, ours...)
	told.Roots = append(told.Roots, told.Fingerprint)
	told.After = countCertificates(merged)
	if told.After != told.Before+len(told.Roots) {
		return told, refused("%s cannot be merged: %d certificates before, %d after", layout.bundle, told.Before, told.After)
	}
	result, err := writeFile(root+layout.bundle, merged, mode, false)
	if err != nil {
		return told, err
	}
	told.Changed = result.Changed
	anchors := merged[len(merged)-len(ours):]
	if beside {
		anchors = merged[bytes.Index(merged, []byte(rootMark)):]
	}
	if result, err = writeFile(root+layout.anchor, anchors, 0o644, true); err != nil {
		return told, err
	}
	told.Anchor, told.Changed = layout.anchor, told.Changed || result.Changed
	if layout.hashed != "" {
		changed, name, err := writeHashed(root+layout.hashed, block, ours, !beside)
		if err != nil {
			return told, err
		}
		told.Hashed, told.Changed = layout.hashed+"/"+name, told.Changed || changed
	}
	return told, writeOut(out, merged)
}

func trustCheck(root, fingerprint string) (trustAnswer, bool, error) {
	told := trustAnswer{Layout: "unknown", Fingerprint: fingerprint, Roots: []string{}}
	layout, bundle, _, err := findLayout(root)
	if err != nil || layout == nil {
		return told, false, err
	}
	foreign, roots := splitBundle(bundle)
	told.Layout, told.Bundle, told.Before, told.After = layout.name, layout.bundle, countCertificates(foreign), countCertificates(bundle)
	present := false
	for _, found := range roots {
		told.Roots = append(told.Roots, found.fingerprint)
		present = present || found.fingerprint == fingerprint
	}
	return told, present, nil
}

func oneCertificate(text []byte) (*pem.Block, error) {
	if len(text) > certificateBytes {
		return nil, refused("certificate of more than 64 KiB")
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
		return nil, refused("stdin is not a PEM certificate")
	}
	if another, _ := pem.Decode(rest); another != nil {
		return nil, refused("more than one certificate on stdin")
	}
	if _, err := certificateSubject(block.Bytes); err != nil {
		return nil, refused("stdin is not a certificate: %v", err)
	}
	return &pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes}, nil
}

// findLayout returns nil when no bundle is a regular file reached without links.
func findLayout(root string) (*trustLayout, []byte, uint32, error) {
	for i, layout := range trustLayouts {
		parts, err := splitPath(root + layout.bundle)
		if err != nil {
			return nil, nil, 0, err
		}
		place, err := openDirectory(parts[:len(parts)-1], 0)
		if err != nil {
			continue
		}
		file, status, err := place.openRegular(parts[len(parts)-1])
		place.close()
		if err != nil {
			continue
		}
		content, err := io.ReadAll(io.LimitReader(file, bundleBytes+1))
		file.Close()
		if err != nil {
			return nil, nil, 0, broken("%s: %v", layout.bundle, err)
		}
		if len(content) > bundleBytes {
			return nil, nil, 0, refused("%s is larger than 16 MiB", layout.bundle)
		}
		return &trustLayouts[i], content, status.Mode & 0o777, nil
	}
	return nil, nil, 0, nil
}

type ownRoot struct {
	fingerprint string
	text        []byte
}

// splitBundle takes our blocks out. A mark whose block does not have the marked fingerprint is not ours and stays.
func splitBundle(bundle []byte) (foreign []byte, roots []ownRoot) {
	for len(bundle) > 0 {
		at := bytes.Index(bundle, []byte(rootMark))
		if at < 0 || (at > 0 && bundle[at-1] != '\n') {
			if at < 0 {
				at = len(bundle)
			} else {
				at += len(rootMark)
			}
			foreign, bundle = append(foreign, bundle[:at]...), bundle[at:]
			continue
		}
		foreign, bundle = append(foreign, bundle[:at]...), bundle[at:]
		root, size := readOwnRoot(bundle)
		if size == 0 {
			foreign, bundle = append(foreign, bundle[:len(rootMark)]...), bundle[len(rootMark):]
			continue
		}
		roots = append(roots, root)
		bundle = bundle[size:]
	}
	return foreign, roots
}

func readOwnRoot(text []byte) (ownRoot, int) {
	line := bytes.IndexByte(text, '\n')
	if line < 0 {
		return ownRoot{}, 0
	}
	fingerprint := string(text[len(rootMark):line])
	after := text[line+1:]
	if !isFingerprint(fingerprint) || !bytes.HasPrefix(after, []byte("-----BEGIN CERTIFICATE-----\n")) {
		return ownRoot{}, 0
	}
	end := bytes.Index(after, []byte("-----END CERTIFICATE-----\n"))
	if end < 0 {
		return ownRoot{}, 0
	}
	size := line + 1 + end + len("-----END CERTIFICATE-----\n")
	block, _ := pem.Decode(text[line+1 : size])
	if block == nil {
		return ownRoot{}, 0
	}
	if digest := sha256.Sum256(block.Bytes); hex.EncodeToString(digest[:]) != fingerprint {
		return ownRoot{}, 0
	}
	return ownRoot{fingerprint, text[:size]}, size
}

func countCertificates(text []byte) int {
	count := 0
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return count
		}
		if strings.HasSuffix(block.Type, "CERTIFICATE") {
			count++
		}
		text = rest
	}
}

// writeHashed puts the root where OpenSSL looks by name: the first <hash>.N that is absent or ours. Earlier ones of ours go when alone.
func writeHashed(folder string, block *pem.Block, ours []byte, alone bool) (changed bool, name string, err error) {
	subject, err := certificateSubject(block.Bytes)
	if err != nil {
		return false, "", err
	}
	hash := subjectHash(subject)
	parts, err := splitPath(folder)
	if err != nil {
		return false, "", err
	}
	place, err := openDirectory(parts, 0)
	if err != nil {
		return false, "", err
	}
	defer place.close()
	for n := 0; n < 16; n++ {
		candidate := fmt.Sprintf("%08x.%d", hash, n)
		_, err := place.status(candidate)
		taken := err == nil
		if taken && !place.isOwnRoot(candidate) {
			continue
		}
		if taken && !alone && !place.holds(candidate, ours, 0o644) {
			continue
		}
		if taken && name != "" {
			changed = syscall.Unlinkat(place.fd, candidate) == nil || changed
			continue
		}
		if name != "" {
			break
		}
		result, err := writeFile(folder+"/"+candidate, ours, 0o644, false)
		if err != nil {
			return changed, "", err
		}
		name, changed = candidate, changed || result.Changed
	}
	if name == "" {
		return changed, "", refused("no free name %08x.N in %s", hash, folder)
	}
	return changed, name, nil
}

func (d directory) isOwnRoot(name string) bool {
	file, _, err := d.openRegular(name)
	if err != nil {
		return false
	}
	defer file.Close()
	text, _ := io.ReadAll(io.LimitReader(file, certificateBytes))
	return bytes.HasPrefix(text, []byte(rootMark))
}

func writeOut(path string, content []byte) error {
	if path == "" {
		return nil
	}
	_, err := writeFile(path, content, 0o644, true)
	return err
}
