// An interceptor in Go to measure against: goproxy with the certificate and the upstream authority it is given, nothing
// looked at. Arguments: certificate and key of the issuer, root of upstreams, where every host is.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/elazarl/goproxy"
)

func main() {
	issuer, err := tls.LoadX509KeyPair(os.Args[1], os.Args[2])
	must(err)
	issuer.Leaf, err = x509.ParseCertificate(issuer.Certificate[0])
	must(err)
	root, err := os.ReadFile(os.Args[3])
	must(err)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(root)

	proxy := goproxy.NewProxyHttpServer()
	proxy.CertStore = &minted{known: map[string]*tls.Certificate{}}
	proxy.Tr = &http.Transport{
		TLSClientConfig: &tls.Config{
			RootCAs:            trusted,
			ClientSessionCache: tls.NewLRUClientSessionCache(256),
		},
		MaxIdleConnsPerHost: 128,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, os.Args[4])
		},
	}
	connect := &goproxy.ConnectAction{Action: goproxy.ConnectMitm, TLSConfig: goproxy.TLSConfigFromCA(&issuer)}
	proxy.OnRequest().HandleConnectFunc(func(host string, _ *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
		return connect, host
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	must(http.Serve(listener, proxy))
}

// minted keeps a certificate per host, as goproxy's users do.
type minted struct {
	lock  sync.Mutex
	known map[string]*tls.Certificate
}

func (m *minted) Fetch(host string, make func() (*tls.Certificate, error)) (*tls.Certificate, error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if certificate, ok := m.known[host]; ok {
		return certificate, nil
	}
	certificate, err := make()
	if err == nil {
		m.known[host] = certificate
	}
	return certificate, err
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "interceptor:", err)
		os.Exit(1)
	}
}
