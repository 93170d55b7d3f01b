// Reads trust files from standard input, each after its length (four bytes,
// big-endian), and says of each what etcd would make of it: a line with the
// common name of the first certificate in hexadecimal digits after "ok ", or
// the reason after "no ". The argument is the time, in seconds since 1970.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

func judge(text []byte, now time.Time) (string, error) {
	// As etcd's tlsutil.NewCertPool: every block, whatever its label.
	pool := x509.NewCertPool()
	var first *x509.Certificate
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return "", fmt.Errorf("etcd does not start: %w", err)
		}
		pool.AddCert(cert)
		if first == nil {
			first = cert
		}
	}
	if first == nil {
		return "", errors.New("no certificate")
	}
	// What Go's crypto/tls does with the certificate of a client.
	_, err := first.Verify(x509.VerifyOptions{
		Roots:         pool,
		CurrentTime:   now,
		Intermediates: x509.NewCertPool(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return "", fmt.Errorf("the handshake fails: %w", err)
	}
	switch key := first.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() > 8192 {
			return "", errors.New("the handshake fails: RSA key too large")
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
	default:
		return "", errors.New("the handshake fails: unsupported key")
	}
	// Whoever could sign could name any user.
	if first.Version != 3 || first.IsCA {
		return "", errors.New("it is an authority")
	}
	var cannotSign x509.ConstraintViolationError
	if err := first.CheckSignatureFrom(first); !errors.As(err, &cannotSign) {
		return "", fmt.Errorf("it can sign: %v", err)
	}
	return first.Subject.CommonName, nil
}

func main() {
	seconds, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		panic(err)
	}
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		var length uint32
		if err := binary.Read(in, binary.BigEndian, &length); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		text := make([]byte, length)
		if _, err := io.ReadFull(in, text); err != nil {
			panic(err)
		}
		if name, err := judge(text, time.Unix(seconds, 0)); err != nil {
			fmt.Fprintf(out, "no %q\n", err.Error())
		} else {
			fmt.Fprintf(out, "ok %x\n", name)
		}
	}
}
