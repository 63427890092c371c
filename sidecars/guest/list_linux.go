// list PATH [--without NAME …] [--max-files N]: every entry below a folder, sorted within each folder, never through a link. --without: entries of these
// names directly below PATH are left out. Answer: an array of [path, type, mode, size, mtime, target]; what cannot be read is there and has nothing below it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"syscall"
)

type listing struct {
	to      *bufio.Writer
	without map[string]bool
	most    int64
	count   int64
}

func list(args []string) error {
	flags := newArguments()
	var without repeated
	flags.Var(&without, "without", "name directly below PATH")
	files := flags.Int64("max-files", treeFiles, "entries")
	words, err := flags.words(args, 1, 1)
	if err != nil {
		return err
	}
	return listTree(os.Stdout, words[0], without, *files)
}

func listTree(to io.Writer, path string, without []string, most int64) error {
	parts, err := splitPath(path)
	if err != nil {
		return err
	}
	root, err := openDirectory(parts, 0)
	if err != nil {
		return err
	}
	defer root.close()
	l := &listing{to: bufio.NewWriterSize(to, 1<<16), without: map[string]bool{}, most: most}
	for _, name := range without {
		l.without[name] = true
	}
	l.to.WriteByte('[')
	if err := l.folder(root, "", 0); err != nil {
		return err
	}
	l.to.WriteString("]\n")
	if err := l.to.Flush(); err != nil {
		return broken("stdout: %v", err)
	}
	return nil
}

func (l *listing) folder(at directory, prefix string, level int) error {
	if level > treeLevels {
		return refused("more than %d levels: %q…", treeLevels, prefix[:64])
	}
	fd, err := openat(at.fd, ".", syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil
	}
	folder := os.NewFile(uintptr(fd), at.path)
	names, err := folder.Readdirnames(int(l.most) + 1)
	folder.Close()
	if err != nil && err != io.EOF {
		return broken("%q: %v", at.path, err)
	}
	sort.Strings(names)
	for _, name := range names {
		if level == 0 && l.without[name] {
			continue
		}
		if err := l.entry(at, name, prefix+name, level); err != nil {
			return err
		}
	}
	return nil
}

func (l *listing) entry(at directory, name, full string, level int) error {
	status, err := at.status(name)
	if err != nil {
		return nil
	}
	if l.count >= l.most {
		return refused("more than %d entries, at %q", l.most, full)
	}
	kind, target := statTypes[status.Mode&syscall.S_IFMT], ""
	if kind == "link" {
		target, _ = at.readLink(name)
	}
	size := status.Size
	if kind == "dir" {
		size = 0
	}
	seconds, nanoseconds := status.Mtim.Unix()
	row, _ := json.Marshal([]any{full, kind, fmt.Sprintf("%04o", status.Mode&0o7777), size, fmt.Sprintf("%d.%09d", seconds, nanoseconds), target})
	if l.count > 0 {
		l.to.WriteString(",\n")
	}
	l.count++
	l.to.Write(row)
	if kind != "dir" {
		return nil
	}
	below, err := at.openChild(name, 0)
	if err != nil {
		return nil
	}
	defer below.close()
	return l.folder(below, full+"/", level+1)
}
