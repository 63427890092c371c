package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var wide = putLimits{1 << 20, 1000, true}

func tarOf(t *testing.T, headers ...*tar.Header) *bytes.Buffer {
	t.Helper()
	var buffer bytes.Buffer
	to := tar.NewWriter(&buffer)
	for _, header := range headers {
		if header.Typeflag == tar.TypeReg {
			header.Size = 4
		}
		if err := to.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeReg {
			to.Write([]byte("text"))
		}
	}
	to.Close()
	return &buffer
}

func codeOf(err error) int {
	if failed, ok := err.(*failure); ok {
		return failed.code
	}
	if err == nil {
		return exitDone
	}
	return -1
}

func TestPutRefusesWhatLeavesTheTreeOrIsNoFile(t *testing.T) {
	for name, header := range map[string]*tar.Header{
		"absolute":       {Name: "/etc/x", Typeflag: tar.TypeReg},
		"dot dot":        {Name: "a/../../x", Typeflag: tar.TypeReg},
		"link outside":   {Name: "a/l", Linkname: "../../x", Typeflag: tar.TypeSymlink},
		"link absolute":  {Name: "l", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink},
		"hard link":      {Name: "h", Linkname: "a", Typeflag: tar.TypeLink},
		"fifo":           {Name: "f", Typeflag: tar.TypeFifo},
		"device":         {Name: "d", Typeflag: tar.TypeChar},
		"file as folder": {Name: ".", Typeflag: tar.TypeReg},
		"deep":           {Name: strings.Repeat("d/", 300) + "x", Typeflag: tar.TypeReg},
	} {
		home := t.TempDir()
		_, err := putTree(tarOf(t, header), home+"/dest", wide)
		if codeOf(err) != exitRefused {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := os.ReadDir(home + "/dest"); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}

func TestPutKeepsCaps(t *testing.T) {
	two := []*tar.Header{{Name: "a", Typeflag: tar.TypeReg, Mode: 0o644}, {Name: "b", Typeflag: tar.TypeReg, Mode: 0o644}}
	if _, err := putTree(tarOf(t, two...), t.TempDir()+"/d", putLimits{7, 10, true}); codeOf(err) != exitRefused {
		t.Error(err)
	}
	if _, err := putTree(tarOf(t, two...), t.TempDir()+"/d", putLimits{100, 1, true}); codeOf(err) != exitRefused {
		t.Error(err)
	}
}

func TestPutDoesNotFollowALinkAnywhere(t *testing.T) {
	home, outside := t.TempDir(), t.TempDir()
	os.Mkdir(home+"/dest", 0o755)
	os.Symlink(outside, home+"/dest/sub")
	os.Symlink(outside+"/victim", home+"/dest/file")
	if _, err := putTree(tarOf(t, &tar.Header{Name: "sub/x", Typeflag: tar.TypeReg, Mode: 0o644}), home+"/dest", wide); codeOf(err) != exitRefused {
		t.Error(err)
	}
	if _, err := putTree(tarOf(t, &tar.Header{Name: "file", Typeflag: tar.TypeReg, Mode: 0o644}), home+"/dest", wide); err != nil {
		t.Error(err)
	}
	os.Symlink(home+"/dest", home+"/alias")
	if _, err := putTree(tarOf(t, &tar.Header{Name: "y", Typeflag: tar.TypeReg}), home+"/alias/z", wide); codeOf(err) != exitRefused {
		t.Error(err)
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Fatalf("written outside: %v", left)
	}
	if status, _ := os.Lstat(home + "/dest/file"); !status.Mode().IsRegular() {
		t.Error("the link was not replaced")
	}
}

func TestPutDropsSetuidAndSetsFolderModesLast(t *testing.T) {
	dest := t.TempDir() + "/dest"
	_, err := putTree(tarOf(t, &tar.Header{Name: "ro/", Typeflag: tar.TypeDir, Mode: 0o555}, &tar.Header{Name: "ro/s", Typeflag: tar.TypeReg, Mode: 0o6755}), dest, wide)
	if err != nil {
		t.Fatal(err)
	}
	folder, _ := os.Stat(dest + "/ro")
	file, _ := os.Stat(dest + "/ro/s")
	if folder.Mode().Perm() != 0o555 || file.Mode() != 0o755 {
		t.Fatal(folder.Mode(), file.Mode())
	}
}

// A neighbour of the same user swaps a folder for a link out of the tree, as fast as it can; nothing may ever appear there.
func TestPutAndGetStayInsideUnderARenamer(t *testing.T) {
	home, outside := t.TempDir(), t.TempDir()
	os.WriteFile(outside+"/secret", []byte("canary"), 0o600)
	dest := home + "/dest"
	os.MkdirAll(dest+"/sub", 0o755)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				os.Rename(dest+"/sub", dest+"/aside")
				os.Symlink(outside, dest+"/sub")
				os.Remove(dest + "/sub")
				os.Rename(dest+"/aside", dest+"/sub")
			}
		}
	}()
	for i := 0; i < 400; i++ {
		putTree(tarOf(t, &tar.Header{Name: "sub/planted", Typeflag: tar.TypeReg, Mode: 0o644}), dest, wide)
		writeFile(dest+"/sub/written", []byte("text"), 0o644, false)
		var out bytes.Buffer
		getTree(&out, dest, 1<<20, 1000)
		if bytes.Contains(out.Bytes(), []byte("canary")) {
			t.Fatal("read through a link")
		}
	}
	close(stop)
	<-stopped
	if left, _ := os.ReadDir(outside); len(left) != 1 {
		t.Fatalf("written through a link: %v", left)
	}
}

func TestGetThenPutIsTheSameTreeAndSpecialFilesAreCounted(t *testing.T) {
	home := t.TempDir()
	os.MkdirAll(home+"/src/a/b", 0o750)
	os.WriteFile(home+"/src/a/b/f", []byte("text"), 0o640)
	os.Symlink("b/f", home+"/src/a/l")
	syscall.Mkfifo(home+"/src/fifo", 0o600)
	var out bytes.Buffer
	summary, err := getTree(&out, home+"/src", 1<<20, 100)
	if err != nil || summary.Files != 1 || summary.Dirs != 2 || summary.Links != 1 || summary.Skipped != 1 {
		t.Fatal(summary, err)
	}
	if _, err := putTree(&out, home+"/dst", wide); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(home + "/dst/a/l"); string(text) != "text" {
		t.Fatal(text, err)
	}
	if folder, _ := os.Stat(home + "/dst/a/b"); folder.Mode().Perm() != 0o750 {
		t.Fatal(folder.Mode())
	}
	if _, err := getTree(&out, home+"/src", 3, 100); codeOf(err) != exitRefused {
		t.Fatal(err)
	}
}

func TestWriteChangesOnlyWhatDiffers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep/file")
	for i, want := range []bool{true, false} {
		if result, err := writeFile(path, []byte("x"), 0o600, true); err != nil || result.Changed != want {
			t.Fatal(i, result, err)
		}
	}
	if result, err := writeFile(path, []byte("x"), 0o644, false); err != nil || !result.Changed {
		t.Fatal(result, err)
	}
	if _, err := writeFile(filepath.Dir(path), nil, 0o644, false); codeOf(err) != exitRefused {
		t.Fatal(err)
	}
}

func TestListNamesEveryEntryAndFollowsNoLink(t *testing.T) {
	home, outside := t.TempDir(), t.TempDir()
	os.WriteFile(outside+"/secret", nil, 0o600)
	os.MkdirAll(home+"/a/b", 0o750)
	os.MkdirAll(home+"/.git/objects", 0o755)
	os.WriteFile(home+"/a/b/f", []byte("text"), 0o640)
	os.Symlink(outside, home+"/out")
	var out bytes.Buffer
	if err := listTree(&out, home, []string{".git"}, 100); err != nil {
		t.Fatal(err)
	}
	var rows [][]any
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		t.Fatal(err, out.String())
	}
	var seen []string
	for _, row := range rows {
		seen = append(seen, fmt.Sprint(row[0], " ", row[1], " ", row[2], " ", row[3], " ", row[5] == outside))
	}
	want := "a dir 0750 0 false,a/b dir 0750 0 false,a/b/f file 0640 4 false,out link 0777 " + fmt.Sprint(len(outside)) + " true"
	if strings.Join(seen, ",") != want {
		t.Fatal(seen)
	}
	if err := listTree(&out, home, nil, 3); codeOf(err) != exitRefused {
		t.Fatal(err)
	}
	if err := listTree(&out, home+"/none", nil, 3); codeOf(err) != exitAbsent {
		t.Fatal(err)
	}
}

func TestRemoveTakesWholeTreesAndFollowsNoLink(t *testing.T) {
	home, outside := t.TempDir(), t.TempDir()
	os.WriteFile(outside+"/kept", nil, 0o600)
	os.MkdirAll(home+"/a/b", 0o750)
	os.WriteFile(home+"/a/b/f", []byte("text"), 0o640)
	os.Symlink(outside, home+"/a/out")
	os.Symlink(outside, home+"/way")
	if count, err := removeTree(home + "/a"); err != nil || count != 4 {
		t.Fatal(count, err)
	}
	if count, err := removeTree(home + "/a"); err != nil || count != 0 {
		t.Fatal(count, err)
	}
	if _, err := removeTree(home + "/way/kept"); codeOf(err) != exitRefused {
		t.Fatal(err)
	}
	if count, err := removeTree(home + "/way"); err != nil || count != 1 {
		t.Fatal(count, err)
	}
	if _, err := os.Stat(outside + "/kept"); err != nil {
		t.Fatal(err)
	}
}
