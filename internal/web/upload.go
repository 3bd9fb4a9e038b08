package web

import (
	"errors"
	"io"
	"net/http"
	"net/url"

	"clientele/internal/fault"
)

// MaxUpload is the largest file that is read, in bytes. What becomes of it has
// a bound of its own, and a sentence for it.
const MaxUpload = 1 << 20

// readUpload reads a form with a file, part by part, in the memory.
func (r *Request) readUpload() (url.Values, error) {
	damaged := fault.New(fault.BadRequest, "body", "What was sent is too long or was cut off. At most 1 MB is read.")
	r.Body = http.MaxBytesReader(r.w, r.Body, MaxUpload+MaxBody)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, damaged
	}
	values := url.Values{}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) && n > 0 {
			return values, nil
		}
		if err != nil {
			return nil, damaged
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, damaged
		}
		if part.FormName() == r.route.Upload {
			r.file = text
			continue
		}
		values.Add(part.FormName(), string(text))
	}
}
