// stat [--hash] PATH…: what lies there, never following a link; always 0, what cannot be seen is a type of its own.
// Answer: an array of {"path","type","mode","uid","gid","size","mtime","target","sha256"}.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"
)

const hashBytes = 1 << 20

type statRow struct {
	Path   string  `json:"path"`
	Type   string  `json:"type"`
	Mode   string  `json:"mode,omitempty"`
	Uid    *uint32 `json:"uid,omitempty"`
	Gid    *uint32 `json:"gid,omitempty"`
	Size   *int64  `json:"size,omitempty"`
	Mtime  string  `json:"mtime,omitempty"`
	Target string  `json:"target,omitempty"`
	Sha256 string  `json:"sha256,omitempty"`
}

var statTypes = map[uint32]string{
	syscall.S_IFREG: "file", syscall.S_IFDIR: "dir", syscall.S_IFLNK: "link", syscall.S_IFIFO: "fifo",
	syscall.S_IFSOCK: "socket", syscall.S_IFCHR: "char", syscall.S_IFBLK: "block",
}

func stat(args []string) error {
	flags := newArguments()
	hash := flags.Bool("hash", false, "sha256 of files up to 1 MiB")
	words, err := flags.words(args, 1, -1)
	if err != nil {
		return err
	}
	rows := make([]statRow, 0, len(words))
	for _, path := range words {
		parts, err := splitPath(path)
		if err != nil {
			return err
		}
		rows = append(rows, statPath(path, parts, *hash))
	}
	return printJSON(rows)
}

func statPath(path string, parts []string, hash bool) statRow {
	row := statRow{Path: path}
	base := "."
	if len(parts) > 0 {
		base, parts = parts[len(parts)-1], parts[:len(parts)-1]
	}
	place, err := openDirectory(parts, 0)
	if err != nil {
		row.Type = "denied"
		var failed *failure
		if errors.As(err, &failed) && failed.code == exitAbsent {
			row.Type = "absent"
		} else if errors.As(err, &failed) && failed.code == exitRefused {
			row.Type = "behind-link"
		}
		return row
	}
	defer place.close()
	status, err := place.status(base)
	if err != nil {
		row.Type = "denied"
		if err == syscall.ENOENT {
			row.Type = "absent"
		}
		return row
	}
	row.Type = statTypes[status.Mode&syscall.S_IFMT]
	row.Mode = fmt.Sprintf("%04o", status.Mode&0o7777)
	row.Uid, row.Gid, row.Size = &status.Uid, &status.Gid, &status.Size
	row.Mtime = time.Unix(status.Mtim.Unix()).UTC().Format(time.RFC3339Nano)
	switch {
	case row.Type == "link":
		row.Target, _ = place.readLink(base)
	case row.Type == "file" && hash:
		row.Sha256 = place.digest(base)
	}
	return row
}

// digest is empty for what cannot be read or is larger than 1 MiB.
func (d directory) digest(name string) string {
	file, status, err := d.openRegular(name)
	if err != nil {
		return ""
	}
	defer file.Close()
	if status.Size > hashBytes {
		return ""
	}
	sum := sha256.New()
	if n, err := io.Copy(sum, io.LimitReader(file, hashBytes+1)); err != nil || n > hashBytes {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}
