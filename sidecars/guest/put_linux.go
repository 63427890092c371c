// put DEST [--links keep|refuse] [--max-bytes N] [--max-files N]: a tar on stdin becomes a tree below DEST, as the current user, never through a symbolic link.
// Modes & 0777 and times are kept, owners are not. A name that would leave the tree, a hard link, device or fifo, an unsafe link, a cap exceeded: exit 3, naming it.
package main

import (
	"archive/tar"
	"bufio"
	"errors"
	"io"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
)

const (
	treeBytes  = 4 << 30
	treeFiles  = 500000
	treeLevels = 255
)

type treeSummary struct {
	Files int64 `json:"files"`
	Dirs  int64 `json:"dirs"`
	Links int64 `json:"links"`
	Bytes int64 `json:"bytes"`
}

type putLimits struct {
	bytes, entries int64
	links          bool
}

func put(args []string) error {
	flags := newArguments()
	links := flags.String("links", "keep", "keep or refuse")
	bytes := flags.Int64("max-bytes", treeBytes, "of file contents")
	files := flags.Int64("max-files", treeFiles, "entries")
	words, err := flags.words(args, 1, 1)
	if err != nil {
		return err
	}
	if *links != "keep" && *links != "refuse" {
		return usage("--links is keep or refuse: %s", *links)
	}
	summary, err := putTree(wideInput(), words[0], putLimits{*bytes, *files, *links == "keep"})
	if err != nil {
		return err
	}
	return printJSON(summary)
}

type putting struct {
	root   directory
	limits putLimits
	done   treeSummary
	count  int64
	late   []*tar.Header // directories, whose modes and times are set last

	lastPath string
	last     directory
	buffer   []byte
}

const (
	setPipeSize  = 1031    // F_SETPIPE_SZ
	putPipe      = 1 << 20 // what any user may have (fs.pipe-max-size)
	putReadAhead = 256 << 10
)

// wideInput is stdin in large parts: as it comes, a pipe holds 64 KiB and each header is a read of its own.
func wideInput() io.Reader {
	syscall.Syscall(syscall.SYS_FCNTL, os.Stdin.Fd(), setPipeSize, putPipe)
	return bufio.NewReaderSize(os.Stdin, putReadAhead)
}

func putTree(stream io.Reader, destination string, limits putLimits) (treeSummary, error) {
	parts, err := splitPath(destination)
	if err != nil {
		return treeSummary{}, err
	}
	p := &putting{limits: limits, buffer: make([]byte, putReadAhead)}
	if len(parts) == 0 {
		return treeSummary{}, refused("DEST is the root of the file system")
	}
	parent, err := openDirectory(parts[:len(parts)-1], 0)
	if err != nil {
		return treeSummary{}, err
	}
	p.root, err = parent.openChild(parts[len(parts)-1], 0o755)
	parent.close()
	if err != nil {
		return treeSummary{}, err
	}
	defer p.root.close()
	defer p.forget()
	reader := tar.NewReader(stream)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return p.done, refused("stdin is not a sound tar: %v", err)
		}
		if err := p.entry(header, reader); err != nil {
			return p.done, err
		}
	}
	return p.done, p.finishDirectories()
}

func (p *putting) entry(header *tar.Header, content io.Reader) error {
	if header.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := entryName(header.Name)
	if err != nil {
		return err
	}
	p.count++
	if p.count > p.limits.entries {
		return refused("more than %d entries, at %q", p.limits.entries, name)
	}
	switch header.Typeflag {
	case tar.TypeDir:
		if name == "." {
			return nil
		}
		if _, err := p.folder(name); err != nil {
			return err
		}
		p.done.Dirs++
		p.late = append(p.late, &tar.Header{Name: name, Mode: header.Mode, ModTime: header.ModTime})
		return nil
	case tar.TypeReg, tar.TypeRegA:
		return p.file(name, header, content)
	case tar.TypeSymlink:
		return p.link(name, header)
	}
	return refused("neither file, folder nor symbolic link (tar type %q): %q", header.Typeflag, name)
}

// entryName is the cleaned relative name, or a refusal of what leaves the tree.
func entryName(name string) (string, error) {
	if name == "" || strings.HasPrefix(name, "/") || strings.ContainsRune(name, 0) {
		return "", refused("empty or absolute name, or one with NUL: %q", name)
	}
	for _, part := range strings.Split(name, "/") {
		if part == ".." {
			return "", refused("name with ..: %q", name)
		}
		if len(part) > 255 {
			return "", refused("name with a part of more than 255 bytes: %q…", name[:64])
		}
	}
	clean := path.Clean(name)
	if strings.Count(clean, "/") >= treeLevels {
		return "", refused("more than %d levels: %q…", treeLevels, clean[:64])
	}
	return clean, nil
}

// folder opens the directory of this relative name, making what is absent. It stays open until the next call.
func (p *putting) folder(name string) (directory, error) {
	if name == "." {
		return p.root, nil
	}
	if p.lastPath == name {
		return p.last, nil
	}
	at := p.root
	for _, part := range strings.Split(name, "/") {
		next, err := at.openChild(part, 0o755)
		if at.fd != p.root.fd {
			at.close()
		}
		if err != nil {
			return directory{}, err
		}
		at = next
	}
	p.forget()
	p.last, p.lastPath = at, name
	return at, nil
}

func (p *putting) forget() {
	if p.lastPath != "" {
		p.last.close()
		p.lastPath = ""
	}
}

func (p *putting) file(name string, header *tar.Header, content io.Reader) error {
	base := path.Base(name)
	if name == "." || strings.HasSuffix(header.Name, "/") {
		return refused("a file with the name of a folder: %q", header.Name)
	}
	if header.Size > p.limits.bytes-p.done.Bytes {
		return refused("more than %d bytes, at %q", p.limits.bytes, name)
	}
	place, err := p.folder(path.Dir(name))
	if err != nil {
		return err
	}
	file, err := place.newTemporary()
	if err != nil {
		return broken("cannot create a file in %q: %v", place.path, err)
	}
	// A writer and nothing else: a file copies by itself with a new buffer each time.
	written, err := io.CopyBuffer(struct{ io.Writer }{file}, content, p.buffer)
	if err == nil && written != header.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		file.drop()
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return refused("tar ends within %q", name)
		}
		return broken("cannot write %q: %v", name, err)
	}
	p.done.Bytes += written
	if !header.ModTime.IsZero() {
		file.setTime(header.ModTime.Unix(), int64(header.ModTime.Nanosecond()))
	}
	if err := file.commit(base, uint32(header.Mode)); err != nil {
		return replaceFailed(name, err)
	}
	p.done.Files++
	return nil
}

func replaceFailed(name string, err error) error {
	if err == syscall.EISDIR || err == syscall.ENOTEMPTY || err == syscall.EEXIST {
		return refused("a folder is in the place of %q", name)
	}
	return broken("cannot put %q in its place: %v", name, err)
}

func (p *putting) link(name string, header *tar.Header) error {
	if !p.limits.links {
		return refused("symbolic link: %q", name)
	}
	if name == "." || !linkStaysInside(name, header.Linkname) {
		return refused("symbolic link out of the tree: %q -> %q", name, header.Linkname)
	}
	place, err := p.folder(path.Dir(name))
	if err != nil {
		return err
	}
	temporary := temporaryName()
	if err := place.makeLink(header.Linkname, temporary); err != nil {
		return broken("cannot create the link %q: %v", name, err)
	}
	if !header.ModTime.IsZero() {
		place.setTime(temporary, header.ModTime.Unix(), int64(header.ModTime.Nanosecond()))
	}
	if err := syscall.Renameat(place.fd, temporary, place.fd, path.Base(name)); err != nil {
		syscall.Unlinkat(place.fd, temporary)
		return replaceFailed(name, err)
	}
	p.done.Links++
	return nil
}

// linkStaysInside judges the letters only: nothing we do ever follows the link.
func linkStaysInside(name, target string) bool {
	if target == "" || strings.HasPrefix(target, "/") || strings.ContainsRune(target, 0) || len(target) > 4095 {
		return false
	}
	depth := strings.Count(name, "/")
	for _, part := range strings.Split(target, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return false
			}
		default:
			depth++
		}
	}
	return true
}

// finishDirectories sets modes and times deepest first: a folder without write permission could not have been filled.
func (p *putting) finishDirectories() error {
	for i := len(p.late) - 1; i >= 0; i-- {
		header := p.late[i]
		parent, err := p.folder(path.Dir(header.Name))
		if err != nil {
			return err
		}
		base := path.Base(header.Name)
		fd, err := openat(parent.fd, base, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
		if err != nil {
			return parent.explain(base, err)
		}
		err = syscall.Fchmod(fd, uint32(header.Mode)&0o777)
		syscall.Close(fd)
		if err != nil {
			return broken("cannot set the mode of %q: %v", header.Name, err)
		}
		if when := header.ModTime; !when.IsZero() && when.After(time.Unix(0, 0)) {
			parent.setTime(base, when.Unix(), int64(when.Nanosecond()))
		}
	}
	return nil
}
