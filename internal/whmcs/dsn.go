package whmcs

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// connectTimeout bounds the wait for a server that does not answer at all.
const connectTimeout = 10 * time.Second

// parseDSN reads the address of a MySQL or MariaDB database in either of the
// two forms that people write. Its errors say how to mend it and never repeat
// the password.
func parseDSN(dsn string) (*mysql.Config, error) {
	config, err := readDSN(strings.TrimSpace(dsn))
	if err != nil {
		return nil, errors.New("the address of the database cannot be read: write user:password@tcp(host:3306)/whmcs or mysql://user:password@host/whmcs")
	}
	switch {
	case config.DBName == "":
		return nil, errors.New("the address names no database: end it with the name of WHMCS's, as in user:password@tcp(host:3306)/whmcs; configuration.php of WHMCS has it as $db_name")
	case config.User == "":
		return nil, errors.New("the address names no user: begin it with one, as in user:password@tcp(host:3306)/whmcs; configuration.php of WHMCS has it as $db_username")
	}
	return config, tame(config)
}

func readDSN(dsn string) (*mysql.Config, error) {
	if scheme, _, ok := strings.Cut(dsn, "://"); ok && (scheme == "mysql" || scheme == "mariadb") {
		return readURL(dsn)
	}
	return mysql.ParseDSN(dsn)
}

// readURL turns the form with mysql:// into the driver's own, so that the
// driver checks the rest.
func readURL(raw string) (*mysql.Config, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = "3306"
	}
	config, err := mysql.ParseDSN("tcp(" + net.JoinHostPort(host, port) + ")/?" + u.RawQuery)
	if err != nil {
		return nil, err
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.DBName = strings.Trim(u.Path, "/")
	return config, nil
}

// tame sets what the reading relies on, whatever the address says: values come
// as the bytes and the words that the server has, one statement at a time, and
// the server cannot ask for files of this machine.
func tame(c *mysql.Config) error {
	c.ParseTime, c.MultiStatements, c.AllowAllFiles = false, false, false
	c.InterpolateParams = true // the text form of values, in which zero dates exist
	c.Logger = &mysql.NopLogger{}
	if c.Timeout == 0 {
		c.Timeout = connectTimeout
	}
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	c.Params["character_set_results"] = "NULL"
	c.Params["wait_timeout"] = "28800" // seconds: we may write for long between two pages
	return c.Apply(mysql.Charset("utf8mb4", ""))
}

// Place names the server and the database that an address leads to, without
// who goes there.
func Place(dsn string) string {
	config, err := parseDSN(dsn)
	if err != nil {
		return ""
	}
	return config.Addr + "/" + config.DBName
}
