// get SRC [--max-bytes N] [--max-files N]: a file or tree as pax tar on stdout, sorted, owners 0, links as links, never through one.
// Sockets, fifos, devices and what may not be read are counted and left out. The summary is the last line of stderr. A cap exceeded: 3, and the tar has no end.
package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"syscall"
	"time"
)

type getSummary struct {
	treeSummary
	Skipped    int64 `json:"skipped"`
	Unreadable int64 `json:"unreadable"`
	Torn       int64 `json:"torn"`
}

type getting struct {
	to             *tar.Writer
	bytes, entries int64
	done           getSummary
}

func get(args []string) error {
	flags := newArguments()
	bytes := flags.Int64("max-bytes", treeBytes, "of file contents")
	files := flags.Int64("max-files", treeFiles, "entries")
	words, err := flags.words(args, 1, 1)
	if err != nil {
		return err
	}
	summary, err := getTree(os.Stdout, words[0], *bytes, *files)
	if err != nil {
		return err
	}
	text, _ := json.Marshal(summary)
	fmt.Fprintln(os.Stderr, string(text))
	return nil
}

func getTree(to io.Writer, source string, bytes, entries int64) (getSummary, error) {
	parts, err := splitPath(source)
	if err != nil {
		return getSummary{}, err
	}
	g := &getting{to: tar.NewWriter(to), bytes: bytes, entries: entries}
	if len(parts) == 0 {
		return g.done, refused("SRC is the root of the file system")
	}
	parent, err := openDirectory(parts[:len(parts)-1], 0)
	if err != nil {
		return g.done, err
	}
	defer parent.close()
	base := parts[len(parts)-1]
	status, err := parent.status(base)
	if err != nil {
		return g.done, parent.explain(base, err)
	}
	switch status.Mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		root, err := parent.openChild(base, 0)
		if err != nil {
			return g.done, err
		}
		defer root.close()
		if err := g.folder(root, "", 0); err != nil {
			return g.done, err
		}
	case syscall.S_IFREG:
		if err := g.entry(parent, base, base, 0); err != nil {
			return g.done, err
		}
	default:
		return g.done, refused("neither file nor folder: %q", source)
	}
	if err := g.to.Close(); err != nil {
		return g.done, broken("stdout: %v", err)
	}
	return g.done, nil
}

func (g *getting) folder(at directory, prefix string, level int) error {
	if level > treeLevels {
		return refused("more than %d levels: %q…", treeLevels, prefix[:64])
	}
	fd, err := openat(at.fd, ".", syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err == syscall.EACCES {
		g.done.Unreadable++
		return nil
	}
	if err != nil {
		return broken("%q: %v", at.path, err)
	}
	listing := os.NewFile(uintptr(fd), at.path)
	names, err := listing.Readdirnames(int(g.entries) + 1)
	listing.Close()
	if err != nil && err != io.EOF {
		return broken("%q: %v", at.path, err)
	}
	sort.Strings(names)
	for _, name := range names {
		if err := g.entry(at, name, prefix+name, level); err != nil {
			return err
		}
	}
	return nil
}

func (g *getting) entry(at directory, name, full string, level int) error {
	status, err := at.status(name)
	if err == syscall.ENOENT {
		return nil
	}
	if err == syscall.EACCES {
		g.done.Unreadable++
		return nil
	}
	if err != nil {
		return broken("%q: %v", full, err)
	}
	if g.done.Files+g.done.Dirs+g.done.Links+g.done.Skipped+g.done.Unreadable >= g.entries {
		return refused("more than %d entries, at %q", g.entries, full)
	}
	header := &tar.Header{Name: full, Mode: int64(status.Mode & 0o777), ModTime: time.Unix(status.Mtim.Unix()), Format: tar.FormatPAX}
	switch status.Mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		below, err := at.openChild(name, 0)
		if err != nil {
			var failed *failure
			if errors.As(err, &failed) && failed.code != exitBroken {
				return nil
			}
			g.done.Unreadable++
			return nil
		}
		defer below.close()
		header.Typeflag, header.Name = tar.TypeDir, full+"/"
		if err := g.header(header); err != nil {
			return err
		}
		g.done.Dirs++
		return g.folder(below, full+"/", level+1)
	case syscall.S_IFLNK:
		if header.Linkname, err = at.readLink(name); err != nil {
			return nil
		}
		header.Typeflag, header.Mode = tar.TypeSymlink, 0o777
		if err := g.header(header); err != nil {
			return err
		}
		g.done.Links++
		return nil
	case syscall.S_IFREG:
		return g.file(at, name, header)
	}
	g.done.Skipped++
	return nil
}

func (g *getting) file(at directory, name string, header *tar.Header) error {
	file, status, err := at.openRegular(name)
	if err != nil {
		if err == syscall.EACCES || err == syscall.EPERM {
			g.done.Unreadable++
		} else {
			g.done.Skipped++
		}
		return nil
	}
	defer file.Close()
	if status.Size > g.bytes-g.done.Bytes {
		return refused("more than %d bytes, at %q", g.bytes, header.Name)
	}
	header.Typeflag, header.Size = tar.TypeReg, status.Size
	if err := g.header(header); err != nil {
		return err
	}
	n, err := io.CopyN(g.to, file, status.Size)
	if err == io.EOF {
		g.done.Torn++
		_, err = io.CopyN(g.to, zeros{}, status.Size-n)
	}
	if err != nil {
		return broken("%q: %v", header.Name, err)
	}
	g.done.Files++
	g.done.Bytes += status.Size
	return nil
}

func (g *getting) header(header *tar.Header) error {
	if err := g.to.WriteHeader(header); err != nil {
		return broken("stdout, at %q: %v", header.Name, err)
	}
	return nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0
	}
	return len(p), nil
}
