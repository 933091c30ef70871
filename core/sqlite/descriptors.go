package sqlite

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// selfFD lists the open descriptors of the process. Where it does not exist the
// functions of this file find nothing.
const selfFD = "/proc/self/fd"

// descriptorsOf returns the descriptors that are open on the database, its log
// and its shared memory, whoever opened them.
func descriptorsOf(at location) map[int]bool {
	found := map[int]bool{}
	for fd, target := range openFiles() {
		switch target {
		case at.path, at.path + "-wal", at.path + "-shm":
			found[fd] = true
		}
	}
	return found
}

// ownDescriptors returns the descriptors that were opened since before.
func ownDescriptors(at location, before map[int]bool) []int {
	if at.memory() {
		return nil
	}
	var own []int
	for fd := range descriptorsOf(at) {
		if !before[fd] {
			own = append(own, fd)
		}
	}
	slices.Sort(own)
	return own
}

// openFiles returns what each open descriptor of the process points at.
func openFiles() map[int]string {
	entries, err := os.ReadDir(selfFD)
	if err != nil {
		return nil
	}
	files := map[int]string{}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if target, err := os.Readlink(filepath.Join(selfFD, entry.Name())); err == nil {
			files[fd] = target
		}
	}
	return files
}

// sharedWithOthers reports whether somebody else in this process has one of the
// files open whose descriptors are given, under locks of the process: closing
// ours would drop theirs.
//
// Asking the kernel for a conflicting lock (F_OFD_GETLK) is not enough: it names
// the first it finds, which is as a rule one of this very pool's.
func sharedWithOthers(own []int) bool {
	var ours []fs.FileInfo
	for _, fd := range own {
		if info, err := statFD(fd); err == nil && !isLog(fd) {
			ours = append(ours, info)
		}
	}
	for fd := range openFiles() {
		if slices.Contains(own, fd) {
			continue
		}
		info, err := statFD(fd)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		same := func(our fs.FileInfo) bool { return os.SameFile(our, info) }
		if slices.ContainsFunc(ours, same) && !locksOpenFile(fd) {
			return true
		}
	}
	return false
}

// statFD describes an open file by its number, without opening it.
func statFD(fd int) (fs.FileInfo, error) {
	return os.Stat(filepath.Join(selfFD, strconv.Itoa(fd)))
}

// isLog reports whether a descriptor is the write-ahead log, which nobody locks.
func isLog(fd int) bool {
	target, err := os.Readlink(filepath.Join(selfFD, strconv.Itoa(fd)))
	return err == nil && strings.HasSuffix(strings.TrimSuffix(target, " (deleted)"), "-wal")
}

// locksOpenFile reports whether a descriptor holds locks of the open file and
// none of the process: it is of another engine of this package, which cannot be
// harmed. One without any lock may be about to take some.
func locksOpenFile(fd int) bool {
	info, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(fd))
	if err != nil {
		return false
	}
	text := string(info)
	return strings.Contains(text, "OFDLCK") && !strings.Contains(text, "POSIX")
}
