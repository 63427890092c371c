// remove PATH…: takes away files, links and whole folders, never through a link. What is not there is done already; a link in the way is refused.
// Answer: {"removed":N}, entries.
package main

import (
	"errors"
	"io"
	"os"
	"syscall"
	"unsafe"
)

const atRemoveDir = 0x200

func remove(args []string) error {
	words, err := newArguments().words(args, 1, -1)
	if err != nil {
		return err
	}
	var removed int64
	for _, path := range words {
		count, err := removeTree(path)
		removed += count
		if err != nil {
			return err
		}
	}
	return printJSON(struct {
		Removed int64 `json:"removed"`
	}{removed})
}

func removeTree(path string) (int64, error) {
	parts, err := splitPath(path)
	if err != nil {
		return 0, err
	}
	if len(parts) == 0 {
		return 0, refused("PATH is the root of the file system")
	}
	parent, err := openDirectory(parts[:len(parts)-1], 0)
	if err != nil {
		var failed *failure
		if errors.As(err, &failed) && failed.code == exitAbsent {
			return 0, nil
		}
		return 0, err
	}
	defer parent.close()
	return removeEntry(parent, parts[len(parts)-1], 0)
}

func removeEntry(at directory, name string, level int) (int64, error) {
	if level > treeLevels {
		return 0, refused("more than %d levels, at %q", treeLevels, name)
	}
	status, err := at.status(name)
	if err == syscall.ENOENT {
		return 0, nil
	}
	if err != nil {
		return 0, broken("%q: %v", at.child(name), err)
	}
	if status.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		return 1, unlinkFailed(at, name, unlinkat(at.fd, name, 0))
	}
	below, err := at.openChild(name, 0)
	if err != nil {
		return 0, err
	}
	defer below.close()
	fd, err := openat(below.fd, ".", syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return 0, broken("%q: %v", below.path, err)
	}
	folder := os.NewFile(uintptr(fd), below.path)
	names, err := folder.Readdirnames(-1)
	folder.Close()
	if err != nil && err != io.EOF {
		return 0, broken("%q: %v", below.path, err)
	}
	var removed int64
	for _, child := range names {
		count, err := removeEntry(below, child, level+1)
		removed += count
		if err != nil {
			return removed, err
		}
	}
	return removed + 1, unlinkFailed(at, name, unlinkat(at.fd, name, atRemoveDir))
}

func unlinkFailed(at directory, name string, err error) error {
	if err == nil || err == syscall.ENOENT {
		return nil
	}
	return broken("cannot remove %q: %v", at.child(name), err)
}

// unlinkat with flags, which the one of package syscall does not take.
func unlinkat(dirfd int, name string, flags uintptr) error {
	text, err := syscall.BytePtrFromString(name)
	if err != nil {
		return err
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_UNLINKAT, uintptr(dirfd), uintptr(unsafe.Pointer(text)), flags); errno != 0 {
		return errno
	}
	return nil
}
