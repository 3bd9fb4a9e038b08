package web

import (
	"encoding/base64"

	"rsc.io/qr"
)

// QR draws a text as a QR code, as the address of a picture that stands in the
// page itself: what is in it is not asked for by anybody else.
func QR(text string) (string, error) {
	picture, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", err
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(picture.PNG()), nil
}
