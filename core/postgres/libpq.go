package postgres

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// libpq takes parameters out of a connection string that the driver does not
// know and would send to the server as settings, which the server refuses.
type libpq struct {
	settings map[string]string // of the connection string; what was understood is gone
	err      error             // the first parameter that cannot be honoured
}

// honourLibpq makes a parsed connection string mean what it means to libpq. A
// parameter whose promise cannot be kept is refused: a connection without the
// protection somebody asked for is worse than none.
func honourLibpq(c *pgconn.Config) error {
	p := libpq{settings: c.RuntimeParams}
	c.DialFunc = p.wire().dial

	// Nothing is lost by these: what they prefer is what happens, or they name
	// parts of libpq itself.
	p.only("gssencmode", "disable", "prefer", "allow")
	p.only("gssdelegation", "0")
	p.only("sslcompression", "0")
	p.only("replication", "false", "off", "no", "0")
	p.take("gsslib")
	p.only("requirepeer")
	p.only("sslcrl")
	p.only("sslcrldir")
	p.only("sslkeylogfile")

	if name := p.take("fallback_application_name"); name != "" && p.settings["application_name"] == "" {
		p.settings["application_name"] = name
	}
	p.tlsVersions(c)
	if p.only("load_balance_hosts", "disable", "random") == "random" {
		shuffleHosts(c)
	}
	return p.err
}

// take returns a parameter and removes it.
func (p *libpq) take(name string) string {
	value := p.settings[name]
	delete(p.settings, name)
	return value
}

// only takes a parameter of which these values can be honoured.
func (p *libpq) only(name string, honoured ...string) string {
	value := p.take(name)
	if value == "" {
		return ""
	}
	for _, one := range honoured {
		if value == one {
			return value
		}
	}
	p.refuse(name, "%q is not supported here", value)
	return ""
}

func (p *libpq) refuse(name, format string, args ...any) {
	if p.err == nil {
		p.err = configFault(name, format, args...)
	}
}

// whole takes a parameter that is an integer; absent is the default. A negative
// value means zero, as to libpq.
func (p *libpq) whole(name string, absent int) int {
	text := p.take(name)
	if text == "" {
		return absent
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		p.refuse(name, "%q is not an integer", text)
		return absent
	}
	return max(n, 0)
}

// wire takes what concerns the TCP connection. Zero seconds and counts are the
// system's defaults, as they are to libpq; the one default that is ours is
// [defaultUserTimeout].
func (p *libpq) wire() wire {
	w := wire{userTimeout: time.Duration(p.whole("tcp_user_timeout", int(defaultUserTimeout/time.Millisecond))) * time.Millisecond}
	w.keepAlive.Enable = p.whole("keepalives", 1) != 0
	w.keepAlive.Idle = systemDefault(time.Duration(p.whole("keepalives_idle", 0)) * time.Second)
	w.keepAlive.Interval = systemDefault(time.Duration(p.whole("keepalives_interval", 0)) * time.Second)
	w.keepAlive.Count = systemDefault(p.whole("keepalives_count", 0))
	return w
}

// systemDefault turns libpq's word for "leave it" into that of package net.
func systemDefault[T time.Duration | int](n T) T {
	if n == 0 {
		return -1
	}
	return n
}

var tlsVersions = map[string]uint16{"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}

// tlsVersions bounds the protocol of every host's connection.
func (p *libpq) tlsVersions(c *pgconn.Config) {
	least, most := p.tlsVersion("ssl_min_protocol_version"), p.tlsVersion("ssl_max_protocol_version")
	if least != 0 && most != 0 && least > most {
		p.refuse("ssl_min_protocol_version", "it is above ssl_max_protocol_version")
	}
	bound := func(h *pgconn.FallbackConfig) {
		if h.TLSConfig != nil && least != 0 {
			h.TLSConfig.MinVersion = least
		}
		if h.TLSConfig != nil && most != 0 {
			h.TLSConfig.MaxVersion = most
		}
	}
	bound(&pgconn.FallbackConfig{TLSConfig: c.TLSConfig})
	for _, host := range c.Fallbacks {
		bound(host)
	}
}

func (p *libpq) tlsVersion(name string) uint16 {
	text := p.take(name)
	version, known := tlsVersions[text]
	if text != "" && !known {
		p.refuse(name, "%q is none of TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3", text)
	}
	return version
}

// shuffleHosts puts the hosts in an order of chance, each with the ways to reach
// it, which stay in theirs.
func shuffleHosts(c *pgconn.Config) {
	first := &pgconn.FallbackConfig{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}
	var hosts [][]*pgconn.FallbackConfig
	for _, way := range append([]*pgconn.FallbackConfig{first}, c.Fallbacks...) {
		last := len(hosts) - 1
		if last >= 0 && hosts[last][0].Host == way.Host && hosts[last][0].Port == way.Port {
			hosts[last] = append(hosts[last], way)
			continue
		}
		hosts = append(hosts, []*pgconn.FallbackConfig{way})
	}
	rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	var ways []*pgconn.FallbackConfig
	for _, host := range hosts {
		ways = append(ways, host...)
	}
	c.Host, c.Port, c.TLSConfig, c.Fallbacks = ways[0].Host, ways[0].Port, ways[0].TLSConfig, ways[1:]
}
