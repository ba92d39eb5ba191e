// The Go peer: golang.org/x/mod/sumdb/{note,tlog} read a log of ours. One job on standard input, one answer on
// standard output. Whatever the library refuses ends the program with its words.
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type inclusion struct {
	Index  int64
	Entry  []byte
	Hashes [][]byte
}

type consistency struct {
	Size   int64
	Root   []byte
	Hashes [][]byte
}

type job struct {
	VKey        string
	Checkpoint  string
	Cosigner    string // name of an Ed25519 witness
	CosignerKey []byte
	Tiles       map[string][]byte
	Inclusions  []inclusion
	Consistency []consistency
}

type answer struct {
	SignedBy  []string
	Cosigned  int64 // the time that the witness states
	TreeHash  []byte
	Proofs    [][][]byte // made by Go from our tiles
	TreeProof [][][]byte
	NewTiles  []string // what Go would publish when growing from the first old size
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func toHash(data []byte) (hash tlog.Hash) {
	if len(data) != tlog.HashSize {
		check(fmt.Errorf("a hash of %d bytes", len(data)))
	}
	copy(hash[:], data)
	return hash
}

func toHashes(nodes [][]byte) []tlog.Hash {
	hashes := []tlog.Hash{}
	for _, node := range nodes {
		hashes = append(hashes, toHash(node))
	}
	return hashes
}

func toBytes(hashes []tlog.Hash) [][]byte {
	nodes := [][]byte{}
	for _, hash := range hashes {
		nodes = append(nodes, append([]byte{}, hash[:]...))
	}
	return nodes
}

// ourPath drops the height, which tlog-tiles has fixed.
func ourPath(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

type tileFiles map[string][]byte

func (files tileFiles) Height() int { return height }

func (files tileFiles) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range tiles {
		content, published := files[ourPath(tile)]
		if !published {
			return nil, fmt.Errorf("%s is not published", ourPath(tile))
		}
		data = append(data, content)
	}
	return data, nil
}

func (files tileFiles) SaveTiles([]tlog.Tile, [][]byte) {}

// cosigned checks an Ed25519 cosignature by hand: the library knows only plain signatures.
func cosigned(text string, unverified []note.Signature, name string, key []byte) int64 {
	for _, signature := range unverified {
		raw, err := base64.StdEncoding.DecodeString(signature.Base64)
		check(err)
		if signature.Name != name || len(raw) != 4+8+ed25519.SignatureSize {
			continue
		}
		time := binary.BigEndian.Uint64(raw[4:12])
		message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, text)
		if ed25519.Verify(key, []byte(message), raw[12:]) {
			return int64(time)
		}
	}
	return 0
}

func main() {
	var asked job
	check(json.NewDecoder(os.Stdin).Decode(&asked))
	var given answer

	verifier, err := note.NewVerifier(asked.VKey)
	check(err)
	opened, err := note.Open([]byte(asked.Checkpoint), note.VerifierList(verifier))
	check(err)
	for _, signature := range opened.Sigs {
		given.SignedBy = append(given.SignedBy, signature.Name)
	}
	given.Cosigned = cosigned(opened.Text, opened.UnverifiedSigs, asked.Cosigner, asked.CosignerKey)

	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := tlog.ParseHash(lines[2])
	check(err)

	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tileFiles(asked.Tiles))
	treeHash, err := tlog.TreeHash(size, reader)
	check(err)
	given.TreeHash = treeHash[:]

	for _, claim := range asked.Inclusions {
		leaf := tlog.RecordHash(claim.Entry)
		check(tlog.CheckRecord(tlog.RecordProof(toHashes(claim.Hashes)), size, root, claim.Index, leaf))
		proof, err := tlog.ProveRecord(size, claim.Index, reader)
		check(err)
		given.Proofs = append(given.Proofs, toBytes(proof))
	}
	for _, claim := range asked.Consistency {
		check(tlog.CheckTree(tlog.TreeProof(toHashes(claim.Hashes)), size, root, claim.Size, toHash(claim.Root)))
		proof, err := tlog.ProveTree(size, claim.Size, reader)
		check(err)
		given.TreeProof = append(given.TreeProof, toBytes(proof))
	}
	if len(asked.Consistency) > 0 {
		for _, tile := range tlog.NewTiles(height, asked.Consistency[0].Size, size) {
			given.NewTiles = append(given.NewTiles, ourPath(tile))
		}
	}

	var out bytes.Buffer
	check(json.NewEncoder(&out).Encode(given))
	os.Stdout.Write(out.Bytes())
}
