// write PATH [--mode 0644] [--parents] [--max-bytes N]: stdin becomes one file, by temporary name and rename, then is read back. No link is followed; one at PATH
// is replaced. Same content and mode: nothing is written. Answer: {"bytes","sha256","changed"}. 3: a folder is there, a link in the path, too long.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"strconv"
)

const writeBytes = 64 << 20

type written struct {
	Bytes   int64  `json:"bytes"`
	Sha256  string `json:"sha256"`
	Changed bool   `json:"changed"`
}

func write(args []string) error {
	flags := newArguments()
	modeText := flags.String("mode", "0644", "octal")
	parents := flags.Bool("parents", false, "make missing folders, 0755")
	most := flags.Int64("max-bytes", writeBytes, "")
	words, err := flags.words(args, 1, 1)
	if err != nil {
		return err
	}
	mode, err := strconv.ParseUint(*modeText, 8, 32)
	if err != nil || mode > 0o777 {
		return usage("--mode is octal, at most 0777: %s", *modeText)
	}
	content, err := io.ReadAll(io.LimitReader(os.Stdin, *most+1))
	if err != nil {
		return broken("stdin: %v", err)
	}
	if int64(len(content)) > *most {
		return refused("more than %d bytes for %q", *most, words[0])
	}
	result, err := writeFile(words[0], content, uint32(mode), *parents)
	if err != nil {
		return err
	}
	return printJSON(result)
}

func writeFile(path string, content []byte, mode uint32, parents bool) (written, error) {
	digest := sha256.Sum256(content)
	result := written{Bytes: int64(len(content)), Sha256: hex.EncodeToString(digest[:])}
	parts, err := splitPath(path)
	if err != nil {
		return result, err
	}
	if len(parts) == 0 {
		return result, refused("a folder is in the place of %q", path)
	}
	var createMode uint32
	if parents {
		createMode = 0o755
	}
	place, err := openDirectory(parts[:len(parts)-1], createMode)
	if err != nil {
		return result, err
	}
	defer place.close()
	base := parts[len(parts)-1]
	if place.holds(base, content, mode) {
		return result, nil
	}
	file, err := place.newTemporary()
	if err != nil {
		return result, broken("cannot create a file in %q: %v", place.path, err)
	}
	if _, err := file.Write(content); err != nil {
		file.drop()
		return result, broken("cannot write %q: %v", path, err)
	}
	if err := file.commit(base, mode); err != nil {
		return result, replaceFailed(path, err)
	}
	if !place.holds(base, content, mode) {
		return result, broken("%q does not hold what was just written", path)
	}
	result.Changed = true
	return result, nil
}

// holds is true when the name is a regular file with exactly this content and mode.
func (d directory) holds(name string, content []byte, mode uint32) bool {
	file, status, err := d.openRegular(name)
	if err != nil {
		return false
	}
	defer file.Close()
	if status.Size != int64(len(content)) || status.Mode&0o7777 != mode {
		return false
	}
	found, err := io.ReadAll(io.LimitReader(file, int64(len(content))+1))
	return err == nil && bytes.Equal(found, content)
}
