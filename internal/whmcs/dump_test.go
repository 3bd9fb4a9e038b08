package whmcs

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"clientele/internal/whmcstest"
)

// sample has everything that the two programs write, in few lines.
const sample = "/*M!999999\\- enable the sandbox mode */ \n" +
	"-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)\n--\n-- Host: localhost\n" +
	"/*!40101 SET NAMES utf8mb4 */;\n# another comment; it's\n" +
	"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `whmcs`;\nUSE `whmcs`;\n" +
	"DROP TABLE IF EXISTS `tblclients`;\n" +
	"CREATE TABLE `tblclients` (\n  `id` int(10) NOT NULL AUTO_INCREMENT COMMENT 'a ''number'', (always); )',\n  `firstname` text COLLATE utf8_unicode_ci DEFAULT 'x,y',\n" +
	"  `currency` decimal(10,2) NOT NULL CHECK (`currency` >= 0),\n  `notes` blob /*!80023 INVISIBLE */,\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `f` (`firstname`(50),`id`),\n  CONSTRAINT `c` CHECK (1)\n) ENGINE=InnoDB COMMENT='; (';\n" +
	"LOCK TABLES `tblclients` WRITE;\n/*!40000 ALTER TABLE `tblclients` DISABLE KEYS */;\n" +
	"INSERT INTO `tblclients` VALUES\n(1,'a\\0b\\n\\'\\\"\\\\\\Z\\%\\_\\q''',-1.50,NULL),\n(2,'',1e+20,0x00ff41),(3,\"it's; \"\"so\"\"\",.5,_binary 'x\\'y'),(-4,'(,);--',0,x'4142');\n" +
	"INSERT IGNORE INTO `whmcs`.`tblclients` (`notes`, `id`) VALUES (_utf8mb4'z', 5), (b'101', 6);\n" +
	"REPLACE INTO `tblclients` VALUES (7,'\xe9\xff',-- here\n 1,/* and; ' */ NULL);\nUNLOCK TABLES;\n" +
	"CREATE TABLE IF NOT EXISTS tblactivitylog (id int, `a\\n``b` text);\nINSERT INTO tblactivitylog VALUES (1,'; INSERT INTO `tblclients` VALUES (99)\\'');\n" +
	"DELIMITER ;;\n/*!50003 CREATE*/ /*!50003 TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN SET @a = 'it'; END */;;\nCREATE PROCEDURE p() BEGIN SELECT 1; -- don't\n END ;;\nDELIMITER ;\n" +
	"CREATE TABLE `tblcontacts` (`id` int, `userid` int);\nINSERT INTO `tblcontacts` VALUES (9,1),(8,1);\n" +
	"-- Dump completed on 2026-01-02  3:04:05\n"

func parse(t testing.TB, text string, partial bool) (*Dump, error) {
	t.Helper()
	d, err := readDump(t.Context(), strings.NewReader(text), DumpOptions{Scratch: t.TempDir(), Partial: partial})
	if err == nil {
		t.Cleanup(func() { d.Close() })
	}
	return d, err
}

// write makes a file of what it is given.
func write(t testing.TB, text []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "dump")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// zip packs as gzip does.
func zip(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rowText writes rows so that they can be compared by eye.
func rowText(t testing.TB, s Source, table string) (lines []string) {
	t.Helper()
	for row, err := range s.Rows(t.Context(), table) {
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprint(row.ID)
		for _, v := range row.Values {
			if v == nil {
				line += " NULL"
			} else {
				line += fmt.Sprintf(" %q", v)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

var sampleRows = map[string][]string{
	"tblclients": {
		`-4 "-4" "(,);--" "0" "AB"`, `1 "1" "a\x00b\n'\"\\\x1a\\%\\_q'" "-1.50" NULL`, `2 "2" "" "1e+20" "\x00\xffA"`,
		`3 "3" "it's; \"so\"" ".5" "x'y"`, `5 "5" NULL NULL "z"`, `6 "6" NULL NULL "5"`, `7 "7" "\xe9\xff" "1" NULL`,
	},
	"tblcontacts": {`8 "8" "1"`, `9 "9" "1"`},
}

func TestDumpReadsAllThatTheProgramsWrite(t *testing.T) {
	d, err := parse(t, sample, false)
	if err != nil {
		t.Fatal(err)
	}
	want := []Table{{"tblactivitylog", []string{"id", "a\\n`b"}, 0}, {"tblclients", []string{"id", "firstname", "currency", "notes"}, 7}, {"tblcontacts", []string{"id", "userid"}, 2}}
	if got := d.Tables(); !reflect.DeepEqual(got, want) {
		t.Errorf("tables are %v", got)
	}
	for table, want := range sampleRows {
		if got := rowText(t, d, table); !reflect.DeepEqual(got, want) {
			t.Errorf("%s has\n%s\nwant\n%s", table, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if got := rowText(t, d, "tblusers"); got != nil {
		t.Errorf("a table that is not there has %v", got)
	}
}

// The chunks in which a file comes change nothing.
func TestDumpDoesNotDependOnChunks(t *testing.T) {
	d, err := readDump(t.Context(), iotest.OneByteReader(strings.NewReader(sample)), DumpOptions{Scratch: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got := rowText(t, d, "tblclients"); !reflect.DeepEqual(got, sampleRows["tblclients"]) {
		t.Errorf("byte by byte: %v", got)
	}
}

// Wherever a dump is cut off, it is told where, and what was whole can be read.
func TestDumpCutOffAnywhereSaysWhere(t *testing.T) {
	whole := map[string]bool{}
	for _, rows := range sampleRows {
		for _, row := range rows {
			whole[row] = true
		}
	}
	last := strings.LastIndex(sample, "-- Dump completed") + len("-- Dump completed")
	head := strings.Index(sample, "-- MariaDB dump") + len("-- MariaDB dump")
	rows := 0
	for n := head; n < last; n++ {
		_, err := parse(t, sample[:n], false)
		var b *BrokenDump
		if errors.As(err, &b); b == nil && !strings.Contains(fmt.Sprint(err), "makes no table") {
			t.Fatalf("cut at %d of %d: %v", n, len(sample), err)
		}
		if b == nil {
			continue
		}
		if !b.Cut || b.Offset > int64(n) || !strings.Contains(b.Error(), "cut off") {
			t.Fatalf("cut at %d: %+v", n, b)
		}
		d, err := parse(t, sample[:n], true)
		if strings.Contains(fmt.Sprint(err), "makes no table") {
			continue
		}
		if err != nil || d.Broken() == nil {
			t.Fatalf("cut at %d and read in part: %v", n, err)
		}
		got := append(rowText(t, d, "tblclients"), rowText(t, d, "tblcontacts")...)
		for _, row := range got {
			if !whole[row] {
				t.Fatalf("cut at %d, there is a row %s", n, row)
			}
		}
		if len(got) < rows {
			t.Fatalf("cut at %d there are %d rows, and before %d", n, len(got), rows)
		}
		rows = len(got)
		d.Close()
	}
	if rows != len(whole) {
		t.Errorf("in the end %d rows, want %d", rows, len(whole))
	}
	at := strings.Index(sample, ",(3,\"it's") + 8
	_, err := parse(t, sample[:at], false)
	if want := fmt.Sprintf("the dump is cut off in or after tblclients, of which there are 2 whole rows, the last with the id 2 (byte %d): make it anew, and see that the disk has room for it", at); fmt.Sprint(err) != want {
		t.Errorf("it says %v,\nwant    %s", err, want)
	}
}

// A packed dump that is cut off is told like a plain one.
func TestPackedDumpCutOffSaysSo(t *testing.T) {
	z := zip(t, []byte(sample))
	for n := 2; n < len(z); n += 7 {
		path := write(t, z[:n])
		_, err := OpenDump(t.Context(), path, DumpOptions{})
		var b *BrokenDump
		if !errors.As(err, &b) && !strings.Contains(fmt.Sprint(err), "makes no table") {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	z[len(z)-6] ^= 1 // in the checksum
	if _, err := OpenDump(t.Context(), write(t, z), DumpOptions{}); !errors.Is(err, gzip.ErrChecksum) {
		t.Errorf("a wrong checksum gives %v", err)
	}
}

// What is no dump is answered with what to do.
func TestWhatIsNoDumpSaysWhatToDo(t *testing.T) {
	const clients = "CREATE TABLE `tblclients` (`id` int, `a` text);\nINSERT INTO `tblclients` VALUES "
	for text, want := range map[string]string{
		"":                                     "makes no table",
		"hello":                                "makes no table",
		"PK\x03\x04rest":                       "zip",
		"\xff\xfe-\x00":                        "PowerShell",
		"\x28\xb5\x2f\xfdx":                    "zstd",
		"SQLite format 3\x00":                  "SQLite",
		"\x89PNG\r\n":                          "makes no table",
		"\x1f\x8b\x00":                         "cut off",
		"INSERT INTO `tblclients` VALUES (1);": "--no-create-info",
		clients + "(1);":                       "1 values, and its table 2 columns",
		clients + "(1,'a','b');":               "more values",
		clients + "('x','a');":                 "is no number",
		clients + "(NULL,'a');":                "is no number",
		clients + "(1,NOW());":                 "not what mysqldump",
		clients + "(1,0xABC);":                 "not what mysqldump",
		clients + "(1,--2);":                   "not what mysqldump",
		clients + "(1,-NULL);":                 "not what mysqldump",
		clients + "(1,'a') ON DUPLICATE":       "not what mysqldump",
		clients + "(1,'a'), (2,'" + strings.Repeat("b", 9<<10) + ";\n-- Dump completed":   "1 whole rows",
		clients + "(1,'a');" + clients + "(2,'b');":                                       "more than one database",
		"CREATE TABLE `tblclients` (`id` int);INSERT INTO `tblclients` (`b`) VALUES (1);": `a column "b"`,
		"CREATE TABLE t (" + strings.Repeat("a int,", 5000):                               "longer than any",
		strings.Repeat("x", 5000):                                                         "makes no table",
	} {
		path := write(t, []byte(text))
		if d, err := OpenDump(t.Context(), path, DumpOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q gives %v, %v, want %q", text, d, err, want)
		}
	}
	if _, err := OpenDump(t.Context(), filepath.Join(t.TempDir(), "none"), DumpOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there gives %v", err)
	}
}

// A dump's rows come by id, however they lie in it and whatever fits in memory.
func TestDumpSortsWithLittleMemory(t *testing.T) {
	var b strings.Builder
	b.WriteString("CREATE TABLE `tblclients` (`id` int, `firstname` text);CREATE TABLE `tblcontacts` (`id` int);\n")
	ids := rand.New(rand.NewPCG(1, 2)).Perm(5000)
	for i, id := range ids {
		fmt.Fprintf(&b, "INSERT INTO `tblclients` VALUES (%d,'row %d');\n", id/2, i)
		if i%1000 == 0 {
			fmt.Fprintf(&b, "INSERT INTO `tblcontacts` VALUES (%d);\n", i)
		}
	}
	folder := t.TempDir()
	s, err := newSpool(folder)
	if err != nil {
		t.Fatal(err)
	}
	s.most = 1000
	d := &Dump{spool: s}
	if err := d.take(&parser{tokenizer: newTokenizer(t.Context(), strings.NewReader(b.String())), keep: s.add}, false); err != nil {
		t.Fatal(err)
	}
	if runs := len(d.tables[0].runs); runs < 50 {
		t.Errorf("%d runs: the pile is not bounded", runs)
	}
	n, before, place := 0, int64(-1), -1
	for row, err := range d.Rows(t.Context(), "tblclients") {
		var at int
		_, bad := fmt.Sscanf(string(row.Values[1]), "row %d", &at)
		if err != nil || bad != nil || row.ID < before || row.ID == before && at < place || ids[at]/2 != int(row.ID) {
			t.Fatalf("after %d comes %d (%s), %v", before, row.ID, row.Values[1], err)
		}
		before, place = row.ID, at
		n++
	}
	if n != len(ids) || len(rowText(t, d, "tblcontacts")) != 5 {
		t.Errorf("%d rows", n)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What goes wrong beside the dump is not the dump's fault.
func TestDumpTellsItsOwnFaultsFromOthers(t *testing.T) {
	var b *BrokenDump
	if _, err := OpenDump(t.Context(), t.TempDir(), DumpOptions{}); err == nil || errors.As(err, &b) {
		t.Errorf("a folder gives %v", err)
	}
	if _, err := readDump(t.Context(), strings.NewReader(sample), DumpOptions{Scratch: filepath.Join(t.TempDir(), "none")}); err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("no room for the scratch file gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readDump(ctx, strings.NewReader(sample), DumpOptions{Partial: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("a reader that gave up gets %v", err)
	}
}

func TestDumpTellsItsProgress(t *testing.T) {
	path := write(t, []byte(sample))
	var at, of int64
	d, err := OpenDump(t.Context(), path, DumpOptions{Progress: func(read, size int64) { at, of = read, size }})
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	if at != int64(len(sample)) || of != at {
		t.Errorf("%d of %d bytes", at, of)
	}
}

// FuzzDump holds any bytes to be a dump: reading them ends without a panic,
// and if it fails it says where.
func FuzzDump(f *testing.F) {
	f.Add([]byte(sample))
	for _, cut := range []int{100, 700, 900, 1000, 1500} {
		f.Add([]byte(sample[:cut]))
	}
	for _, s := range []string{"", "DELIMITER", "/*", "--", "`", "'\\", "CREATE TABLE tblclients (id int);INSERT INTO tblclients VALUES (1e", "INSERT tblclients", "CREATE TABLE `a`.`b`.", "\x00"} {
		f.Add([]byte(s))
	}
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := readDump(t.Context(), bytes.NewReader(text), DumpOptions{Scratch: folder, Partial: true})
		if err != nil {
			if !strings.Contains(err.Error(), "makes no table") {
				t.Fatalf("in part: %v", err)
			}
			return
		}
		defer d.Close()
		if b := d.Broken(); b != nil && (b.Offset > int64(len(text)) || b.Error() == "") {
			t.Fatalf("broken at %d of %d", b.Offset, len(text))
		}
		for _, table := range d.Tables() {
			n, before := int64(0), int64(0)
			for row, err := range d.Rows(t.Context(), table.Name) {
				if err != nil || len(row.Values) != len(table.Columns) || n > 0 && row.ID < before {
					t.Fatalf("%s: %v, %v", table.Name, row, err)
				}
				before = row.ID
				n++
			}
			if n != table.Rows {
				t.Fatalf("%s has %d rows and is said to have %d", table.Name, n, table.Rows)
			}
		}
		everything(t, d)
	})
}

// A dump without comments that is cut off is told too, also where it is cut
// between two statements.
func TestDumpWithoutCommentsCutOffIsTold(t *testing.T) {
	s := whmcstest.Shared(t)
	s.Build(t, "uncommented", whmcstest.Shapes["7.0"])
	whmcstest.Do(t, s.Open(t, "uncommented"), "INSERT INTO tblclients (firstname) VALUES ('Ada'); INSERT INTO tblcontacts (userid) VALUES (1)")
	for _, options := range [][]string{{"--skip-comments"}, {"--skip-comments", "--skip-opt"}, {"--compact", "--add-locks"}} {
		text, err := os.ReadFile(s.Dump(t, "uncommented", options...))
		if err != nil {
			t.Fatal(err)
		}
		whole := string(text)
		if _, err := parse(t, whole, false); err != nil {
			t.Errorf("%v: %v", options, err)
		}
		cuts := 0
		for at := strings.Index(whole, "CREATE TABLE"); ; {
			next := strings.Index(whole[at:], ";\n")
			if at += next + 2; next < 0 || at >= len(strings.TrimSpace(whole)) {
				break
			}
			before := whole[:at]
			if inLock := strings.Count(before, "\nLOCK TABLES") > strings.Count(before, "\nUNLOCK TABLES"); options[0] == "--compact" && !inLock {
				continue // nothing tells
			}
			cuts++
			_, err := parse(t, before, false)
			var b *BrokenDump
			if !errors.As(err, &b) || !b.Cut {
				t.Fatalf("%v, cut behind %q: %v", options, before[max(0, len(before)-60):], err)
			}
		}
		if cuts < 8 {
			t.Errorf("%v: it was cut %d times", options, cuts)
		}
	}
}
