package postgres

import (
	"crypto/tls"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
)

func parsed(t *testing.T, dsn string) *pgxpool.Config {
	t.Helper()
	config, err := Config{ConnString: dsn}.withDefaults()
	require.NoError(t, err)
	pool, err := config.pool()
	require.NoError(t, err)
	return pool
}

// TestLibpqParameters: the server gets none of the parameters that are libpq's.
func TestLibpqParameters(t *testing.T) {
	t.Parallel()
	config := parsed(t, "postgresql://user@a.example,b.example/db?keepalives=1&keepalives_idle=7&keepalives_interval=2"+
		"&keepalives_count=3&tcp_user_timeout=5000&gssencmode=prefer&sslcompression=0&gsslib=gssapi&load_balance_hosts=disable"+
		"&fallback_application_name=shop&ssl_min_protocol_version=TLSv1.3&sslmode=require&replication=false&statement_timeout=5s").ConnConfig
	require.Equal(t, map[string]string{"application_name": "shop", "statement_timeout": "5s"}, config.RuntimeParams)
	require.EqualValues(t, tls.VersionTLS13, config.TLSConfig.MinVersion)
	require.EqualValues(t, tls.VersionTLS13, config.Fallbacks[0].TLSConfig.MinVersion)

	named := parsed(t, "postgresql:///db?application_name=shop&fallback_application_name=other").ConnConfig
	require.Equal(t, "shop", named.RuntimeParams["application_name"])
}

func TestLibpqParametersThatCannotBeHonoured(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"gssencmode": "require", "requirepeer": "postgres", "sslcrl": "/crl.pem", "replication": "database",
		"load_balance_hosts": "maybe", "ssl_min_protocol_version": "SSLv3", "keepalives_idle": "soon", "tcp_user_timeout": "1s",
	} {
		config, err := Config{ConnString: "postgresql:///db?" + name + "=" + value}.withDefaults()
		require.NoError(t, err)
		_, err = config.pool()
		requireKind(t, fault.Config, err)
		require.ErrorContains(t, err, name+": ")
	}
}

// TestLoadBalanceHosts: every host comes first sometimes, and keeps its own ways.
func TestLoadBalanceHosts(t *testing.T) {
	t.Parallel()
	firsts := map[string]int{}
	for range 200 {
		config := parsed(t, "postgresql://a.example,b.example,c.example/db?load_balance_hosts=random&sslmode=prefer").ConnConfig
		firsts[config.Host]++
		order := []string{config.Host}
		require.NotNil(t, config.TLSConfig, "sslmode=prefer tries TLS first")
		for n, way := range config.Fallbacks {
			order = append(order, way.Host)
			require.Equal(t, n%2 == 1, way.TLSConfig != nil)
		}
		require.Len(t, order, 6)
		for n := 0; n < 6; n += 2 {
			require.Equal(t, order[n], order[n+1])
		}
	}
	require.Len(t, firsts, 3)
}
