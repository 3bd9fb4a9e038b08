package audit

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/seal"
)

// A Checkpoint says where every lane ended at one time, signed with a key that
// is not in the database in the clear: whoever has the database alone can cut
// the log off or chain it anew, and cannot sign that.
type Checkpoint struct {
	ID        int64 // counts without gaps
	At        time.Time
	Heads     string // "lane seq hash" of each lane, with commas
	Previous  string // the hash of the checkpoint before
	Hash      string
	Public    string // the key that it was signed with
	Signature string
}

const checkpointColumns = "id, at, heads, previous, hash, public, signature"

// Name is a checkpoint's number and hash in one word, to be kept elsewhere.
func (c Checkpoint) Name() string { return strconv.FormatInt(c.ID, 10) + ":" + c.Hash }

// text is what is hashed and signed.
func (c Checkpoint) text() []byte {
	t := writer("clientele audit checkpoint 1\n")
	t.number("id", c.ID)
	t.string("at", c.At.UTC().Format(timeForm))
	t.string("heads", c.Heads)
	t.string("previous", c.Previous)
	t.string("public", c.Public)
	return t
}

// check says what is wrong with a checkpoint by itself; nothing where it is
// whole.
func (c Checkpoint) check() string {
	key, err1 := base64.RawURLEncoding.DecodeString(c.Public)
	signature, err2 := base64.RawURLEncoding.DecodeString(c.Signature)
	switch {
	case digest(c.text()) != c.Hash:
		return "was changed after it was signed"
	case base64.RawURLEncoding.EncodeToString(signature) != c.Signature: // its last letter has bits that are not read
		return "is not signed by its key"
	case err1 != nil || err2 != nil || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, c.text(), signature):
		return "is not signed by its key"
	}
	return ""
}

// heads reads where the lanes ended.
func (c Checkpoint) heads() ([]head, error) {
	var list []head
	for part := range strings.SplitSeq(c.Heads, ",") {
		f := strings.Split(part, " ")
		if len(f) != 3 {
			return nil, errors.New("the heads of a checkpoint cannot be read")
		}
		lane, err1 := strconv.ParseInt(f[0], 10, 64)
		seq, err2 := strconv.ParseInt(f[1], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		list = append(list, head{lane, seq, f[2]})
	}
	return list, nil
}

// Log signs and verifies the log of one installation.
type Log struct {
	db  *db.DB
	key seal.Key
}

// New makes the log over a database and the installation's key.
func New(d *db.DB, key seal.Key) *Log { return &Log{db: d, key: key} }

// Sign makes a checkpoint of where the log ends now. Where nothing was added
// since the last one, it answers that.
func (l *Log) Sign(ctx context.Context) (c Checkpoint, err error) {
	defer fault.Wrap(&err, "audit.Sign")
	err = l.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		c, err = l.sign(tx)
		return err
	})
	return c, err
}

func (l *Log) sign(tx *db.Tx) (Checkpoint, error) {
	// One after another: the former records' lane is the lock.
	if _, err := db.Exec(tx, "UPDATE audit_heads SET seq = seq WHERE lane = 0"); err != nil {
		return Checkpoint{}, err
	}
	heads, err := readHeads(tx)
	if err != nil {
		return Checkpoint{}, err
	}
	last, err := lastCheckpoint(tx)
	if err != nil {
		return Checkpoint{}, err
	}
	public, private, err := l.pair(tx)
	if err != nil {
		return Checkpoint{}, err
	}
	c := Checkpoint{ID: last.ID + 1, At: tx.Now, Heads: headsText(heads), Previous: last.Hash, Public: public}
	if c.Heads == last.Heads && c.Public == last.Public {
		return last, nil
	}
	c.Hash = digest(c.text())
	c.Signature = base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, c.text()))
	_, err = db.Exec(tx, "INSERT INTO audit_checkpoints ("+checkpointColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7)",
		c.ID, c.At, c.Heads, c.Previous, c.Hash, c.Public, c.Signature)
	return c, err
}

// lastCheckpoint reads the newest one; number 0 where there is none yet.
func lastCheckpoint(tx *db.Tx) (Checkpoint, error) {
	last, err := db.One[Checkpoint](tx, "SELECT "+checkpointColumns+" FROM audit_checkpoints ORDER BY id DESC LIMIT 1")
	if errors.Is(err, db.ErrNone) {
		err = nil
	}
	return last, err
}

func readHeads(tx *db.Tx) ([]head, error) {
	return db.All[head](tx, "SELECT lane, seq, hash FROM audit_heads ORDER BY lane")
}

func headsText(list []head) string {
	parts := make([]string, len(list))
	for i, h := range list {
		parts[i] = fmt.Sprintf("%d %d %s", h.Lane, h.Seq, h.Hash)
	}
	return strings.Join(parts, ",")
}

// keyPlace is where a key for signing is sealed.
const keyPlace = "audit_keys/seed/"

// A signingKey is a pair of keys as the table has it.
type signingKey struct {
	ID     int64
	Public string
	Sealed string
}

// open answers the private half. It fails where the installation's key is
// another one, or where the halves do not belong together.
func (k signingKey) open(with seal.Key) (ed25519.PrivateKey, error) {
	seed, err := with.Open(keyPlace+strconv.FormatInt(k.ID, 10), k.Sealed)
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, errors.New("the key that signs the log is damaged")
	}
	private := ed25519.NewKeyFromSeed(seed)
	if k.Public != publicText(private) {
		return nil, errors.New("the public key of the log was replaced")
	}
	return private, nil
}

func publicText(k ed25519.PrivateKey) string {
	return base64.RawURLEncoding.EncodeToString(k.Public().(ed25519.PublicKey))
}

// pair is the pair of keys that signs now. The first is made when it is first
// needed, and another one after the installation's key was lost.
func (l *Log) pair(tx *db.Tx) (public string, private ed25519.PrivateKey, err error) {
	keys, err := readKeys(tx)
	if err != nil {
		return "", nil, err
	}
	for _, k := range slices.Backward(keys) {
		if private, err := k.open(l.key); err == nil {
			return k.Public, private, nil
		}
	}
	_, private, err = ed25519.GenerateKey(nil)
	if err != nil {
		return "", nil, err
	}
	numbers, err := db.Reserve(tx, "audit_keys", 1)
	if err != nil {
		return "", nil, err
	}
	public = publicText(private)
	_, err = db.Exec(tx, "INSERT INTO audit_keys (id, public, sealed, created_at) VALUES ($1, $2, $3, $4)",
		numbers[0], public, l.key.Seal(keyPlace+strconv.FormatInt(numbers[0], 10), private.Seed()), tx.Now)
	return public, private, err
}

func readKeys(tx *db.Tx) ([]signingKey, error) {
	return db.All[signingKey](tx, "SELECT id, public, sealed FROM audit_keys ORDER BY id")
}
