package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func certificate(t *testing.T, name string) []byte {
	t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func store(t *testing.T, layout trustLayout, content []byte) string {
	root := t.TempDir()
	os.MkdirAll(filepath.Dir(root+layout.bundle), 0o755)
	if err := os.WriteFile(root+layout.bundle, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestOneCertificateMoreThanBeforeInEachLayout(t *testing.T) {
	original := append([]byte("# a comment\n"), append(certificate(t, "one"), certificate(t, "two")...)...)
	for _, layout := range trustLayouts {
		root := store(t, layout, original)
		first, err := trustInstall(root, certificate(t, "bottle"), false, "")
		if err != nil || first.Layout != layout.name || first.Before != 2 || first.After != 3 || !first.Changed {
			t.Fatal(layout.name, first, err)
		}
		second, err := trustInstall(root, certificate(t, "bottle"), false, "")
		if err != nil || second.After != 3 || len(second.Roots) != 1 {
			t.Fatal(layout.name, second, err)
		}
		renewal := certificate(t, "bottle")
		third, err := trustInstall(root, renewal, true, root+"/out.pem")
		if err != nil || third.After != 4 || len(third.Roots) != 2 {
			t.Fatal(layout.name, third, err)
		}
		if again, err := trustInstall(root, renewal, true, ""); err != nil || again.Changed {
			t.Fatal(layout.name, again, err)
		}
		merged, _ := os.ReadFile(root + layout.bundle)
		copied, _ := os.ReadFile(root + "/out.pem")
		if !bytes.HasPrefix(merged, original) || !bytes.Equal(merged, copied) {
			t.Fatal(layout.name, "the image's own certificates were touched")
		}
		if _, present, _ := trustCheck(root, third.Fingerprint); !present {
			t.Fatal(layout.name, "not found again")
		}
		if _, present, _ := trustCheck(root, first.Fingerprint); present {
			t.Fatal(layout.name, "the replaced root is still there")
		}
	}
}

func TestABundleThatIsALinkIsAnUnknownLayout(t *testing.T) {
	root := store(t, trustLayouts[0], nil)
	os.Remove(root + trustLayouts[0].bundle)
	os.WriteFile(root+"/victim", []byte("x"), 0o644)
	os.Symlink(root+"/victim", root+trustLayouts[0].bundle)
	told, err := trustInstall(root, certificate(t, "bottle"), false, "")
	if err != nil || told.Layout != "unknown" {
		t.Fatal(told, err)
	}
	if text, _ := os.ReadFile(root + "/victim"); string(text) != "x" {
		t.Fatal("written through the link")
	}
}

func TestAMarkThatLiesStays(t *testing.T) {
	forged := append([]byte(rootMark+"0000000000000000000000000000000000000000000000000000000000000000\n"), certificate(t, "theirs")...)
	root := store(t, trustLayouts[0], forged)
	told, err := trustInstall(root, certificate(t, "bottle"), false, "")
	if err != nil || told.Before != 1 || told.After != 2 {
		t.Fatal(told, err)
	}
}

func TestOnlyOneCertificateIsTaken(t *testing.T) {
	for name, text := range map[string][]byte{
		"nothing": nil, "noise": []byte("x"), "two": append(certificate(t, "a"), certificate(t, "b")...),
		"key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), "not DER": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}),
	} {
		if _, err := oneCertificate(text); codeOf(err) != exitRefused {
			t.Error(name, err)
		}
	}
}
