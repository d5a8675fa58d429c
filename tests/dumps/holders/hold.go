// Holds key material in a Go process: hold serve CERT KEY, or hold certificate CERT.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"time"
)

func fail(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	if os.Args[1] == "certificate" {
		text, err := os.ReadFile(os.Args[2])
		fail(err)
		block, _ := pem.Decode(text)
		cert, err := x509.ParseCertificate(block.Bytes)
		fail(err)
		fmt.Println("READY")
		time.Sleep(time.Hour)
		runtime.KeepAlive(cert)
	}
	pair, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
	fail(err)
	listener, err := tls.Listen("tcp", "127.0.0.1:"+os.Args[4], &tls.Config{Certificates: []tls.Certificate{pair}})
	fail(err)
	fmt.Println("READY")
	fail(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })))
}
