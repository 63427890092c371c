// Paths as chains of directory descriptors. No symbolic link is ever followed, in no component; an attacker who renames or relinks while we walk
// changes at most where his own tree lies, never where we write.
package main

import (
	"encoding/hex"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

const (
	oPath       = 0x200000 // O_PATH, the same on amd64 and arm64
	atEmptyPath = 0x1000
	atNoFollow  = 0x100
)

// directory is an O_PATH descriptor of a directory.
type directory struct {
	fd   int
	path string // for messages only
}

func (d directory) close() { syscall.Close(d.fd) }

func (d directory) child(name string) string {
	if d.path == "/" {
		return "/" + name
	}
	return d.path + "/" + name
}

// splitPath refuses what is not absolute, or has a NUL or a "..".
func splitPath(path string) ([]string, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, usage("not an absolute path: %q", path)
	}
	var parts []string
	for _, part := range strings.Split(path, "/") {
		switch {
		case part == "" || part == ".":
		case part == ".." || strings.ContainsRune(part, 0):
			return nil, refused("path with .. or NUL: %q", path)
		default:
			parts = append(parts, part)
		}
	}
	return parts, nil
}

func openRoot() (directory, error) {
	fd, err := syscall.Open("/", oPath|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return directory{}, broken("cannot open /: %v", err)
	}
	return directory{fd, "/"}, nil
}

// openChild opens one directory below d; createMode > 0 creates it with this mode when absent.
func (d directory) openChild(name string, createMode uint32) (directory, error) {
	fd, err := openat(d.fd, name, oPath|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err == syscall.ENOENT && createMode > 0 {
		if err = syscall.Mkdirat(d.fd, name, createMode); err == nil || err == syscall.EEXIST {
			fd, err = openat(d.fd, name, oPath|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
		}
	}
	if err != nil {
		return directory{}, d.explain(name, err)
	}
	return directory{fd, d.child(name)}, nil
}

func (d directory) explain(name string, err error) error {
	switch err {
	case syscall.ENOENT:
		return absent("no such file or folder: %q", d.child(name))
	case syscall.ENOTDIR, syscall.ELOOP:
		if status, failure := d.status(name); failure == nil && status.Mode&syscall.S_IFMT == syscall.S_IFLNK {
			return refused("symbolic link in the path: %q", d.child(name))
		}
		return refused("not a folder: %q", d.child(name))
	}
	return broken("%q: %v", d.child(name), err)
}

// openDirectory walks from the root. createMode > 0 creates missing directories with this mode.
func openDirectory(parts []string, createMode uint32) (directory, error) {
	at, err := openRoot()
	if err != nil {
		return at, err
	}
	for _, part := range parts {
		next, err := at.openChild(part, createMode)
		at.close()
		if err != nil {
			return directory{}, err
		}
		at = next
	}
	return at, nil
}

func openat(dirfd int, name string, flags int, mode uint32) (int, error) {
	for {
		fd, err := syscall.Openat(dirfd, name, flags|syscall.O_CLOEXEC, mode)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// status is lstat of a name below d.
func (d directory) status(name string) (status syscall.Stat_t, err error) {
	fd, err := openat(d.fd, name, oPath|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return status, err
	}
	defer syscall.Close(fd)
	err = syscall.Fstat(fd, &status)
	return status, err
}

// readLink reads the target of a link below d.
func (d directory) readLink(name string) (string, error) {
	text, err := syscall.BytePtrFromString(name)
	if err != nil {
		return "", err
	}
	buffer := make([]byte, 4096)
	n, _, errno := syscall.Syscall6(syscall.SYS_READLINKAT, uintptr(d.fd), uintptr(unsafe.Pointer(text)), uintptr(unsafe.Pointer(&buffer[0])), uintptr(len(buffer)), 0, 0)
	if errno != 0 {
		return "", errno
	}
	return string(buffer[:n]), nil
}

func (d directory) makeLink(target, name string) error {
	from, err := syscall.BytePtrFromString(target)
	if err != nil {
		return err
	}
	to, err := syscall.BytePtrFromString(name)
	if err != nil {
		return err
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_SYMLINKAT, uintptr(unsafe.Pointer(from)), uintptr(d.fd), uintptr(unsafe.Pointer(to))); errno != 0 {
		return errno
	}
	return nil
}

// setTime sets the modification time of a name below d, of a link itself.
func (d directory) setTime(name string, seconds int64, nanoseconds int64) error {
	text, err := syscall.BytePtrFromString(name)
	if err != nil {
		return err
	}
	return setTimes(d.fd, text, seconds, nanoseconds, atNoFollow)
}

// setTimes is of the descriptor itself where there is no name.
func setTimes(fd int, name *byte, seconds int64, nanoseconds int64, flags uintptr) error {
	times := [2]syscall.Timespec{{Sec: 0, Nsec: 1<<30 - 2}, {Sec: seconds, Nsec: nanoseconds}} // UTIME_OMIT for the access time
	if _, _, errno := syscall.Syscall6(syscall.SYS_UTIMENSAT, uintptr(fd), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&times[0])), flags, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// open opens what must be a regular file, whatever it turns into meanwhile.
func (d directory) openRegular(name string) (*os.File, syscall.Stat_t, error) {
	var status syscall.Stat_t
	fd, err := openat(d.fd, name, syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err == nil {
		err = syscall.Fstat(fd, &status)
		if err == nil && status.Mode&syscall.S_IFMT != syscall.S_IFREG {
			err = syscall.EINVAL
		}
		if err != nil {
			syscall.Close(fd)
		} else {
			syscall.SetNonblock(fd, false)
		}
	}
	if err != nil {
		return nil, status, err
	}
	return os.NewFile(uintptr(fd), d.child(name)), status, nil
}

// temporary is a new file below d that takes its final name by commit or vanishes by drop.
type temporary struct {
	*os.File
	place directory
	name  string
}

func temporaryName() string {
	var random [9]byte
	// Not a secret: it only has to be new, and O_EXCL says when it is not. (crypto/rand would add 300 kB.)
	syscall.Syscall(sysGetrandom, uintptr(unsafe.Pointer(&random[0])), uintptr(len(random)), 0)
	return ".bb-guest-" + hex.EncodeToString(random[:])
}

func (d directory) newTemporary() (*temporary, error) {
	name := temporaryName()
	fd, err := openat(d.fd, name, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	return &temporary{os.NewFile(uintptr(fd), d.child(name)), d, name}, nil
}

// setTime is of what was written so far: a write after it sets another.
func (t *temporary) setTime(seconds int64, nanoseconds int64) error {
	return setTimes(int(t.Fd()), nil, seconds, nanoseconds, 0)
}

func (t *temporary) drop() {
	t.Close()
	syscall.Unlinkat(t.place.fd, t.name)
}

// commit renames over whatever file or link has the name; a directory there is an error.
func (t *temporary) commit(name string, mode uint32) error {
	err := t.Chmod(os.FileMode(mode & 0o777))
	if err == nil {
		err = t.Close()
	}
	if err == nil {
		err = syscall.Renameat(t.place.fd, t.name, t.place.fd, name)
	}
	if err != nil {
		t.drop()
	}
	return err
}
