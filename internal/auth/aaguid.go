package auth

import (
	"encoding/hex"
)

// authenticatorNames are what people know their authenticators as, by the
// model number that each sends (AAGUID). The list is the community's:
// github.com/passkeydeveloper/passkey-authenticator-aaguids, and Yubico's own
// for its keys.
var authenticatorNames = map[string]string{
	"ea9b8d664d011d213ce4b6b48cb575d4": "Google Password Manager",
	"adce000235bcc60a648b0b25f1f05503": "Chrome on Mac",
	"08987058cadc4b81b6e130de50dcbe96": "Windows Hello",
	"9ddd1817af5a4672a2b93e3dd95000a9": "Windows Hello",
	"6028b017b1d44c02b4b3afcdafc96bb2": "Windows Hello",
	"fbfc3007154e4ecc8c0b6e020557d7bd": "Apple Passwords",
	"dd4ec289e01d41c9bb8970fa845d4bf2": "iCloud Keychain (managed)",
	"531126d6e717415c93203d9aa6981239": "Dashlane",
	"bada5566a7aa401fbd9645619a55120d": "1Password",
	"b84e4048156046b79cad2bbb0c1a5a2b": "1Password",
	"d548826e79b4db40a3d811116f7e8349": "Bitwarden",
	"b5397666488549aabd5d8b6fdb1c5d5b": "LastPass",
	"0ea242b443c44a1b8b17dd6d0b6baec6": "Keeper",
	"f3809540763643869c9da1b4c7e28d2e": "NordPass",
	"50726f746f6e506173734d616e616765": "Proton Pass",
	"fdb141b25d8443748a354698c205a502": "KeePassXC",
	"53414d53554e47000000000000000000": "Samsung Pass",
	"771b48fdd3d44f749232fc157ab0507a": "Edge on Mac",
	"cb69481e8ff7403993ec0a2729a154a8": "YubiKey 5",
	"ee882879721c491397753dfcce97072a": "YubiKey 5",
	"fa2b99dc9e3942578f924a30d23c4118": "YubiKey 5 NFC",
	"2fc0579f811347eab116bb5a8db9202a": "YubiKey 5 NFC",
	"c5ef55ffad9a4b9fb580adebafe026d0": "YubiKey 5Ci",
	"d8522d9f575b486688a9ba99fa02f35b": "YubiKey Bio",
	"a4e9fc6d4cbe4758b8ba37598bb5bbaa": "Security Key NFC by Yubico",
}

// authenticatorName is what a new passkey is called where its person gives no
// name.
func authenticatorName(aaguid []byte) string {
	if name, ok := authenticatorNames[hex.EncodeToString(aaguid)]; ok {
		return name
	}
	return "Passkey"
}
