package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"clientele/internal/audit"
)

type auditCommands struct {
	Verify auditVerify `cmd:"" help:"Check that no record of the audit log was changed, added or taken away."`
	Export auditExport `cmd:"" help:"Write the whole audit log, signed at its end, for programs (NDJSON) or spreadsheets (CSV)."`
}

type auditVerify struct {
	File    string `type:"path" help:"Check an export (NDJSON) instead of the database; - reads what is piped in. Needs no database."`
	Signer  string `help:"With --file: the key that must have signed it, as clientele audit verify prints it."`
	Reached string `help:"A checkpoint that was noted elsewhere, like 12:hash. The log must have come to it."`
}

// Run verifies.
func (c auditVerify) Run(sh *shell) error {
	if c.File != "" {
		return c.file(sh)
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer a.DB.Close()
	told := int64(0)
	report, err := a.Audit.Verify(sh.ctx, c.Reached, func(n int64) {
		if n/100_000 > told/100_000 {
			fmt.Fprintf(sh.errors, "%d records read\n", n)
		}
		told = n
	})
	if err != nil {
		return err
	}
	sh.tell(report)
	if report.Found == 0 {
		fmt.Fprintf(sh.out, "%s, and every one is as it was written. ", counted(report.Records, "record"))
		fmt.Fprintf(sh.out, "%s.\n", counted(report.Checkpoints, "checkpoint"))
	}
	if report.Last.ID != 0 {
		fmt.Fprintf(sh.out, "The last checkpoint is %s, of %s, signed with %s.\n", report.Last.Name(), report.Last.At.UTC().Format("2006-01-02 15:04 MST"), report.Last.Public)
	}
	return broken(report)
}

// file verifies an export.
func (c auditVerify) file(sh *shell) error {
	var in io.Reader = sh.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	report, err := audit.VerifyFile(in)
	if err != nil {
		return err
	}
	sh.tell(report.Report)
	c.tellFile(sh, report)
	if c.Signer != "" && report.Last.Public != c.Signer {
		return fmt.Errorf("the export is not signed with %s", c.Signer)
	}
	return broken(report.Report)
}

func (c auditVerify) tellFile(sh *shell, r audit.FileReport) {
	if r.Found > 0 {
		return
	}
	if !r.Whole {
		fmt.Fprintf(sh.out, "%s, each by itself as it was written. The export has no checkpoint at its end: it is a part of the log, or was cut off, so nothing can be said of what is not in it.\n", counted(r.Records-r.Withheld, "record"))
	} else {
		fmt.Fprintf(sh.out, "%s: the whole log up to %s, and every record is as it was written.\n", counted(r.Records, "record"), r.Last.At.UTC().Format("2006-01-02 15:04 MST"))
	}
	if r.Withheld > 0 {
		fmt.Fprintf(sh.out, "%s cannot be checked here, because a part of what they say was held back from the reader of the export.\n", counted(r.Withheld, "record"))
	}
	if r.Whole && c.Signer == "" {
		fmt.Fprintf(sh.out, "It is signed with %s. Make sure that this is your installation's key (clientele audit verify prints it), or name that with --signer.\n", r.Last.Public)
	}
}

// tell prints what is wrong.
func (sh *shell) tell(r audit.Report) {
	for _, p := range r.Problems {
		fmt.Fprintln(sh.out, strings.TrimSuffix(p.String(), ".")+".")
	}
	if more := r.Found - int64(len(r.Problems)); more > 0 {
		fmt.Fprintf(sh.out, "… and %d more.\n", more)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(sh.out, n)
	}
}

// broken is the error of a log that is not whole.
func broken(r audit.Report) error {
	if r.Found == 0 {
		return nil
	}
	return fmt.Errorf("the audit log is not as it was written: %s", strings.TrimSuffix(r.Problems[0].String(), "."))
}

type auditExport struct {
	Format string `enum:"ndjson,csv" default:"ndjson" help:"ndjson, which can be verified, or csv."`
}

// Run exports.
func (c auditExport) Run(sh *shell) error {
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer a.DB.Close()
	by := audit.Actor{Kind: audit.System, Via: audit.ViaSystem}
	e, err := a.Audit.Everything(by).Export(sh.ctx, audit.Asked{}, audit.Format(c.Format))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(sh.out)
	if err := e.WriteTo(sh.ctx, out, func() {}); err != nil {
		return err
	}
	return out.Flush()
}

// counted says how many there are of something.
func counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
