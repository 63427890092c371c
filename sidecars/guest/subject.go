// The subject of a certificate and OpenSSL's hash of it (X509_NAME_hash), by hand: crypto/x509 is half the size of this whole program.
// The hash is SHA-1 over the attributes with their strings as UTF-8, lower case, white space folded; its first four bytes, little endian.
package main

import (
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"strings"
)

type element struct {
	tag  byte
	body []byte
}

var errDer = errors.New("not sound DER")

func readElement(text []byte) (head element, rest []byte, err error) {
	if len(text) < 2 || text[0]&0x1f == 0x1f {
		return head, nil, errDer
	}
	size, at := int(text[1]), 2
	if size >= 0x80 {
		n := size & 0x7f
		if n == 0 || n > 3 || len(text) < 2+n {
			return head, nil, errDer
		}
		size = 0
		for _, b := range text[2 : 2+n] {
			size = size<<8 | int(b)
		}
		at += n
	}
	if len(text)-at < size {
		return head, nil, errDer
	}
	return element{text[0], text[at : at+size]}, text[at+size:], nil
}

func readElements(text []byte) (list []element, err error) {
	for len(text) > 0 {
		var one element
		if one, text, err = readElement(text); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// certificateSubject returns the body of the subject: the sequence of its attribute sets.
func certificateSubject(der []byte) ([]byte, error) {
	outer, rest, err := readElement(der)
	if err != nil || len(rest) > 0 || outer.tag != 0x30 {
		return nil, errDer
	}
	parts, err := readElements(outer.body)
	if err != nil || len(parts) != 3 || parts[0].tag != 0x30 {
		return nil, errDer
	}
	fields, err := readElements(parts[0].body)
	if err != nil {
		return nil, err
	}
	if len(fields) > 0 && fields[0].tag == 0xa0 {
		fields = fields[1:]
	}
	// serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
	if len(fields) < 6 || fields[4].tag != 0x30 || fields[5].tag != 0x30 {
		return nil, errDer
	}
	return fields[4].body, nil
}

func subjectHash(subject []byte) uint32 {
	var canonical []byte
	sets, _ := readElements(subject)
	for _, set := range sets {
		var attributes []byte
		list, _ := readElements(set.body)
		for _, attribute := range list {
			pair, err := readElements(attribute.body)
			if err != nil || len(pair) != 2 {
				continue
			}
			body := append(encode(pair[0].tag, pair[0].body), canonicalValue(pair[1])...)
			attributes = append(attributes, encode(0x30, body)...)
		}
		canonical = append(canonical, encode(0x31, attributes)...)
	}
	sum := sha1.Sum(canonical)
	return binary.LittleEndian.Uint32(sum[:4])
}

func canonicalValue(value element) []byte {
	switch value.tag {
	case 0x0c, 0x13, 0x14, 0x16, 0x1a: // UTF8, Printable, T61, IA5, Visible
		var folded strings.Builder
		for _, word := range strings.FieldsFunc(string(value.body), isSpace) {
			if folded.Len() > 0 {
				folded.WriteByte(' ')
			}
			for _, b := range []byte(word) {
				if b >= 'A' && b <= 'Z' {
					b += 'a' - 'A'
				}
				folded.WriteByte(b)
			}
		}
		return encode(0x0c, []byte(folded.String()))
	}
	return encode(value.tag, value.body)
}

func isSpace(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }

func encode(tag byte, body []byte) []byte {
	head := []byte{tag}
	switch n := len(body); {
	case n < 0x80:
		head = append(head, byte(n))
	case n < 0x100:
		head = append(head, 0x81, byte(n))
	default:
		head = append(head, 0x82, byte(n>>8), byte(n))
	}
	return append(head, body...)
}
