// Checks a tlog-proof with the packages of the Go project, which share no code with audit.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run main.go VKEY FILE [ENTRY_HASH]
//
// It prints the row that the file proves and ends with 0, or says what is wrong and ends with 1. FILE is what audit get --proof
// writes; a file without a row needs ENTRY_HASH.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) < 3 {
		fail(errors.New("expected VKEY FILE [ENTRY_HASH]"))
	}
	file, err := os.ReadFile(os.Args[2])
	if err != nil {
		fail(err)
	}
	if err := verify(os.Args[1], string(file), os.Args[3:]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func verify(vkey, file string, given []string) error {
	head, signed, found := strings.Cut(file, "\n\n")
	if !found {
		return errors.New("the file has no empty line")
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	tree, err := readTree(opened.Text, verifier.Name())
	if err != nil {
		return err
	}
	extra, index, path, err := readHead(head)
	if err != nil {
		return err
	}
	entryHash, err := hashOf(extra, given, verifier.Name(), index)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entryHash)); err != nil {
		return err
	}
	fmt.Printf("row %d of %s is in the tree of %d rows: %x\n", index+1, verifier.Name(), tree.N, entryHash)
	return nil
}

// readTree reads the three lines of a checkpoint (c2sp.org/tlog-checkpoint).
func readTree(body, origin string) (tlog.Tree, error) {
	lines := strings.Split(body, "\n")
	if len(lines) != 4 || lines[0] != origin || lines[3] != "" {
		return tlog.Tree{}, errors.New("expected a checkpoint of the log whose key was given")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// readHead reads what comes before the checkpoint (c2sp.org/tlog-proof).
func readHead(head string) (extra []byte, index int64, path tlog.RecordProof, err error) {
	lines := strings.Split(head, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		return nil, 0, nil, errors.New("expected a tlog-proof")
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		if extra, err = base64.StdEncoding.DecodeString(lines[0][len("extra "):]); err != nil {
			return nil, 0, nil, err
		}
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return nil, 0, nil, errors.New("expected the index")
	}
	if index, err = strconv.ParseInt(lines[0][len("index "):], 10, 64); err != nil {
		return nil, 0, nil, err
	}
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, 0, nil, err
		}
		path = append(path, hash)
	}
	return extra, index, path, nil
}

// hashOf returns the entry_hash that the file must prove. A row gives its own: sha256(prev_hash || sha256(canonical_bytes)). Its
// canonical bytes begin with the magic PXA1, the domain_id (16 bytes) and the seq (8 bytes).
func hashOf(extra []byte, given []string, origin string, index int64) ([]byte, error) {
	row := bytes.TrimPrefix(extra, []byte("PXA1-row"))
	if len(row) == len(extra) {
		if len(given) != 1 {
			return nil, errors.New("the file holds no row, and no ENTRY_HASH was given")
		}
		return hex.DecodeString(given[0])
	}
	if len(row) < 32+4+16+8 || string(row[32:36]) != "PXA1" {
		return nil, errors.New("the file holds no row")
	}
	domain, seq := row[36:52], binary.BigEndian.Uint64(row[52:60])
	id := fmt.Sprintf("%x-%x-%x-%x-%x", domain[:4], domain[4:6], domain[6:8], domain[8:10], domain[10:])
	if !strings.HasSuffix(origin, "/"+id) || seq != uint64(index)+1 {
		return nil, fmt.Errorf("the file holds row %d of %s, and is about another one", seq, id)
	}
	inner := sha256.Sum256(row[32:])
	outer := sha256.Sum256(append(append([]byte{}, row[:32]...), inner[:]...))
	return outer[:], nil
}
